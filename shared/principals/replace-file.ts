/**
 * Replaces a file as a whole: readers see the old content or the new, and so does the disk after a
 * power cut. New file, fsync, rename over the old one, fsync of the directory that holds the name.
 */

import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * @param o.beforeRename a last chance to refuse; nothing has changed yet
 */
export async function replaceFile(
  file: string,
  content: string,
  o: { mode: number; beforeRename: () => Promise<void> },
): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await writeDurably(temporary, content, o.mode)
    await o.beforeRename()
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await using directory = await open(dirname(file), 'r')
  await directory.sync()
}

async function writeDurably(path: string, content: string, mode: number): Promise<void> {
  await using handle = await open(path, 'wx', mode)
  // The process's umask may have taken bits away.
  await handle.chmod(mode)
  await handle.writeFile(content)
  await handle.sync()
}
