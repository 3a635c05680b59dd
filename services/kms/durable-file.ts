/**
 * Writes files so that a crash at any instant leaves the old content or the new, whole.
 *
 * Write beside, fsync, rename, fsync the directory: only then does the name survive a power cut.
 * Mode 0600 from the first byte on.
 */

import { randomUUID } from 'node:crypto'
import { link, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Stands in the name of every file that is being written; what is left of it after a crash is rubbish. */
export const TEMPORARY_MARK = '.tmp.'

/**
 * Replaces `path`.
 *
 * @param o.backup a second name for the replaced content, replaced in turn
 * @param o.beforeReplace the last chance to refuse, when the new content is already on disk
 */
export async function replaceFileDurably(
  path: string,
  content: string,
  o: { backup?: string; beforeReplace?: () => Promise<void> } = {},
): Promise<void> {
  const temporary = await writeTemporary(path, content)
  try {
    await o.beforeReplace?.()
    // A link first and a rename after it, so that `path` is there at every instant.
    if (o.backup !== undefined) await keepAs(path, o.backup)
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  }
  await syncDirectory(dirname(path))
}

/** @throws EEXIST when `path` is there already */
export async function createFileDurably(path: string, content: string): Promise<void> {
  const temporary = await writeTemporary(path, content)
  try {
    // Unlike a rename, a link never overwrites.
    await link(temporary, path)
  } finally {
    await unlink(temporary)
  }
  await syncDirectory(dirname(path))
}

async function writeTemporary(path: string, content: string): Promise<string> {
  const temporary = `${path}${TEMPORARY_MARK}${randomUUID()}`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  } finally {
    await file.close()
  }
  return temporary
}

async function keepAs(path: string, backup: string): Promise<void> {
  const temporary = `${backup}${TEMPORARY_MARK}${randomUUID()}`
  try {
    await link(path, temporary)
  } catch (error) {
    // The first write has nothing to keep.
    if (isMissing(error)) return
    throw error
  }
  await rename(temporary, backup)
}

/** Missing already: nothing to do. */
export async function removeFileDurably(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  await syncDirectory(dirname(path))
}

/** Names made or removed in it survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
