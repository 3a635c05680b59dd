/** Ids and access keys in AWS's form, since some clients check it. */

import { randomBytes } from 'node:crypto'
import type { AccessKeyEntry } from './principals-file.ts'

export interface NewAccessKey {
  accessKeyId: string
  secretAccessKey: string
}

/** 20 characters, and 40 of base64 that are 240 random bits. */
export function createAccessKey(now: number): AccessKeyEntry {
  return { id: `AKIA${randomBase32(16)}`, secret: randomBytes(30).toString('base64'), createdAt: now }
}

/** @param prefix AIDA of a user, AROA of a role */
export function createUniqueId(prefix: 'AIDA' | 'AROA'): string {
  return `${prefix}${randomBase32(17)}`
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function randomBase32(length: number): string {
  // 256 is a multiple of 32: every letter is as likely as any other.
  return Array.from(randomBytes(length), (byte) => BASE32.charAt(byte % 32)).join('')
}
