/** Access keys of sessions, in AWS's form: some clients check it. */

import { randomBytes } from 'node:crypto'

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** 80 random bits of id and 240 of secret. */
export function createTemporaryCredentials(): { accessKeyId: string; secretAccessKey: string } {
  // 256 is a multiple of 32: every letter is as likely as any other.
  const random = Array.from(randomBytes(16), (byte) => BASE32.charAt(byte % 32)).join('')
  return { accessKeyId: `ASIA${random}`, secretAccessKey: randomBytes(30).toString('base64') }
}
