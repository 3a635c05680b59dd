/**
 * Adds a principal with its first access key to the principals file, and makes the file when there is
 * none.
 *
 * Under the file's lock, so that of two commands at once neither loses what the other added; written as
 * a new file that replaces the old one, so that a gateway never reads half of it.
 */

import { randomBytes } from 'node:crypto'
import { mkdir, realpath } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type Clock, systemClock } from '#shared/clock'
import { PrincipalArnError, PrincipalExistsError, PrincipalsFileMissingError } from './errors.ts'
import { lockFile } from './file-lock.ts'
import { parsePrincipalArn } from './principal-arn.ts'
import {
  formatPrincipalsDocument,
  nameOf,
  type PolicyDocuments,
  type PrincipalEntry,
  type PrincipalsDocument,
} from './principals-file.ts'
import { readPrincipalsFile } from './read-principals-file.ts'
import { replaceFile } from './replace-file.ts'

export interface NewPrincipal {
  arn: string
  accessKeyId: string
  secretAccessKey: string
}

/** A command that waits longer for another one looks hung. */
const LOCK_WAIT_MS = 5_000

/**
 * @param o.arn of a user or root
 * @param o.policies of a user, by name; without any it may do nothing
 * @returns the only copy of the secret outside the file
 * @throws {PrincipalArnError} when the ARN is none of a principal
 * @throws {PrincipalExistsError} when it is in the file already
 * @throws {PrincipalsFileLockedError} when another writer keeps the file locked
 * @throws what reading the file throws, except that it may be missing
 */
export async function addPrincipal(
  file: string,
  o: { arn: string; policies?: PolicyDocuments; clock?: Clock; lockWaitMs?: number },
): Promise<NewPrincipal> {
  const clock = o.clock ?? systemClock
  const { account, kind } = parsePrincipalArn(o.arn)
  if (kind === 'role') throw new PrincipalArnError('Cannot add this principal: a role has no access keys')
  await mkdir(dirname(resolve(file)), { recursive: true, mode: 0o700 })
  const target = await followLink(file)
  await using lock = await lockFile(target, { waitMs: o.lockWaitMs ?? LOCK_WAIT_MS, clock })
  const document = await readOrStart(target)
  if (document.principals.some((entry) => nameOf(entry) === o.arn)) {
    throw new PrincipalExistsError(`Cannot add ${o.arn}: it is in the principals file already`)
  }
  const accessKey = { ...createAccessKey(), createdAt: clock.now() }
  const accessKeys = [accessKey]
  const principal: PrincipalEntry =
    kind === 'root'
      ? { arn: o.arn, userId: account, accessKeys }
      : { arn: o.arn, userId: `AIDA${randomBase32(17)}`, accessKeys, policies: o.policies ?? {} }
  const changed = formatPrincipalsDocument({ ...document, principals: [...document.principals, principal] })
  await replaceFile(target, changed, { mode: 0o600, beforeRename: () => lock.assertHeld() })
  return { arn: o.arn, accessKeyId: accessKey.id, secretAccessKey: accessKey.secret }
}

/** In AWS's form, since some clients check it: 20 characters, and 40 of base64 that are 240 random bits. */
function createAccessKey(): { id: string; secret: string } {
  return { id: `AKIA${randomBase32(16)}`, secret: randomBytes(30).toString('base64') }
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function randomBase32(length: number): string {
  // 256 is a multiple of 32: every letter is as likely as any other.
  return Array.from(randomBytes(length), (byte) => BASE32.charAt(byte % 32)).join('')
}

async function readOrStart(file: string): Promise<PrincipalsDocument> {
  try {
    return (await readPrincipalsFile(file)).document
  } catch (error) {
    if (error instanceof PrincipalsFileMissingError) return { version: 2, principals: [] }
    throw error
  }
}

/** Replacing a symbolic link would leave the file it points to behind, unchanged. */
async function followLink(file: string): Promise<string> {
  try {
    return await realpath(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return resolve(file)
    throw error
  }
}
