/**
 * Every change of the principals file: read, changed, checked as a reader will check it, replaced.
 *
 * Under the file's lock, so that of two commands at once neither loses what the other changed; written as
 * a new file that replaces the old one, so that a gateway never reads half of it.
 */

import { mkdir, realpath } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type Clock, systemClock } from '#shared/clock'
import { createPolicyCompiler } from './compile-policies.ts'
import { PrincipalNotFoundError, PrincipalsFileMissingError } from './errors.ts'
import { lockFile } from './file-lock.ts'
import { indexPrincipals } from './index-principals.ts'
import {
  formatPrincipalsDocument,
  nameOf,
  type PrincipalEntry,
  type PrincipalsDocument,
  parsePrincipalsDocument,
} from './principals-file.ts'
import { readPrincipalsFile } from './read-principals-file.ts'
import { replaceFile } from './replace-file.ts'

export interface WriteOptions {
  clock?: Clock
  lockWaitMs?: number
}

/** A command that waits longer for another one looks hung. */
const LOCK_WAIT_MS = 5_000

/**
 * @param change given the document as it is; what it throws leaves the file as it was
 * @param o.isFirst whether the file may be missing, and is made then
 * @returns what `change` gives beside the changed document
 * @throws {PrincipalsFileLockedError} when another writer keeps the file locked
 * @throws {DocumentError} when what would be written could not be read
 * @throws what reading the file throws
 */
export async function changePrincipalsFile<T>(
  file: string,
  o: WriteOptions & { isFirst?: boolean },
  change: (document: PrincipalsDocument, now: number) => readonly [PrincipalsDocument, T],
): Promise<T> {
  const clock = o.clock ?? systemClock
  const isFirst = o.isFirst ?? false
  if (isFirst) await mkdir(dirname(resolve(file)), { recursive: true, mode: 0o700 })
  // Without a directory there is no place for a lock, and nothing to change.
  else await readPrincipalsFile(file)
  const target = await followLink(file)
  await using lock = await lockFile(target, { waitMs: o.lockWaitMs ?? LOCK_WAIT_MS, clock })
  const before = isFirst ? await readOrStart(target) : (await readPrincipalsFile(target)).document
  const [after, result] = change(before, clock.now())
  const text = formatPrincipalsDocument(after)
  indexPrincipals(parsePrincipalsDocument(text), createPolicyCompiler())
  await replaceFile(target, text, { mode: 0o600, beforeRename: () => lock.assertHeld() })
  return result
}

/**
 * Changes what is known of one principal.
 *
 * @param name its ARN, or a service's name
 * @throws {PrincipalNotFoundError} when nobody is called so
 * @throws what `changePrincipalsFile` throws
 */
export async function changeEntry<T>(
  file: string,
  name: string,
  o: WriteOptions,
  change: (entry: PrincipalEntry, now: number) => readonly [PrincipalEntry, T],
): Promise<T> {
  return changePrincipalsFile(file, o, (document, now) => {
    const [after, result] = change(findEntry(document, name), now)
    const principals = document.principals.map((entry) => (nameOf(entry) === name ? after : entry))
    return [{ ...document, principals }, result]
  })
}

/** @throws {PrincipalNotFoundError} */
export function findEntry(document: PrincipalsDocument, name: string): PrincipalEntry {
  const entry = document.principals.find((candidate) => nameOf(candidate) === name)
  if (entry === undefined) throw new PrincipalNotFoundError(`Cannot find ${name}: it is not in the principals file`)
  return entry
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
