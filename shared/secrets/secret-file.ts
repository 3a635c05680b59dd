/**
 * Reads and creates single files of the secrets directory; the only code here that opens one.
 *
 * A secret that other users of the host may read is refused rather than repaired: it may have been
 * read already. Creation is write, fsync, link: the file appears whole or not at all, and a link,
 * unlike a rename, fails when the name is taken, so that two first starts at once cannot overwrite
 * each other's secrets.
 */

import { randomUUID } from 'node:crypto'
import { link, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SecretFileError } from './errors.ts'

/** A secret may be read by its owner alone; what is public need only be safe from being written by others. */
export type Secrecy = 'secret' | 'public'

const FORBIDDEN_MODE: Record<Secrecy, number> = { secret: 0o077, public: 0o022 }
/** Far above any file here; a wrong path may name something huge. */
const MAX_FILE_BYTES = 1_048_576

/** @throws {SecretFileError} when the file is missing, unreadable, too large, or open to others */
export async function readSecretFile(path: string, secrecy: Secrecy): Promise<string> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new SecretFileError(`Cannot read ${path}: ${error.code ?? 'unknown fault'}`)
  })
  try {
    // Of the open file, not of the path: what is checked is what is read.
    const { mode, size } = await file.stat()
    if ((mode & FORBIDDEN_MODE[secrecy]) !== 0) {
      throw new SecretFileError(
        `Cannot use ${path}: others than its owner may ${secrecy === 'secret' ? 'use' : 'write'} it, current mode is ${(mode & 0o777).toString(8)}`,
      )
    }
    if (size > MAX_FILE_BYTES) throw new SecretFileError(`Cannot use ${path}: it has ${size} bytes`)
    return await file.readFile('utf8').catch((error: NodeJS.ErrnoException) => {
      throw new SecretFileError(`Cannot read ${path}: ${error.code ?? 'unknown fault'}`)
    })
  } finally {
    await file.close()
  }
}

/**
 * Creates the file, mode 0600, unless the name is taken.
 *
 * @returns whether it was created
 * @throws what the file system throws
 */
export async function createSecretFile(path: string, content: string): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}.tmp`
  const file = await open(temporary, 'wx', 0o600)
  try {
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(temporary, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await unlink(temporary)
  }
  // The name too must survive a power cut: records authenticated under a lost secret are lost.
  const directory = await open(dirname(path), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
  return true
}
