/**
 * Reads the principals file as it lies on disk, with a stamp that tells whether it has changed since.
 *
 * Permissions are judged on the open file, so that what was checked is what is read.
 */

import { type FileHandle, open, stat } from 'node:fs/promises'
import { DocumentError } from '#shared/config'
import { PrincipalsFileExposedError, PrincipalsFileMissingError } from './errors.ts'
import { MAX_FILE_BYTES, type PrincipalsDocument, parsePrincipalsDocument } from './principals-file.ts'

/** Everybody but the owner, for reading, writing and executing. */
const OTHERS = 0o077

/**
 * @throws {PrincipalsFileMissingError} when there is none
 * @throws {PrincipalsFileExposedError} when group or others have any permission on it
 * @throws {DocumentError} when it is no file, too large, or not a principals document
 */
export async function readPrincipalsFile(file: string): Promise<{ document: PrincipalsDocument; stamp: string }> {
  await using handle = await openFile(file)
  const status = await handle.stat({ bigint: true })
  if (!status.isFile() || status.size > MAX_FILE_BYTES) {
    throw new DocumentError(`Cannot read the principals file: it must be a file of at most ${MAX_FILE_BYTES} bytes`)
  }
  const mode = Number(status.mode & 0o777n)
  if ((mode & OTHERS) !== 0) {
    throw new PrincipalsFileExposedError(
      `Cannot use the principals file ${file}: only its owner may have access (mode 0600), ` +
        `current mode is ${mode.toString(8).padStart(4, '0')}`,
    )
  }
  return { document: parsePrincipalsDocument(await handle.readFile('utf8')), stamp: stampOf(status) }
}

/** Differs whenever the file was replaced, written or had its mode changed, also when it went away. */
export async function stampPrincipalsFile(file: string): Promise<string> {
  try {
    return stampOf(await stat(file, { bigint: true }))
  } catch (error) {
    // A stamp too: reading the file will say what is wrong, and say it once.
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  }
}

function stampOf(status: { dev: bigint; ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint }): string {
  return [status.dev, status.ino, status.size, status.mtimeNs, status.ctimeNs].join(' ')
}

async function openFile(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r')
  } catch (error) {
    if (!isMissing(error)) throw error
    throw new PrincipalsFileMissingError(
      `Cannot read the principals file ${file}: there is none. The command \`sealcast principals add\` makes it`,
    )
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
