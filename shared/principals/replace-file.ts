/**
 * Replaces a file as a whole: readers see the old content or the new, and so does the disk after a
 * power cut. New file, fsync, rename over the old one, fsync of the directory that holds the name.
 */

import { randomBytes } from 'node:crypto'
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

interface Owner {
  readonly uid: number
  readonly gid: number
}

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
    await writeDurably(temporary, content, o.mode, await ownerOf(file))
    await o.beforeRename()
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await using directory = await open(dirname(file), 'r')
  await directory.sync()
}

/** Of a file that root changes for others: services that run as its owner could not read it any more. */
async function ownerOf(file: string): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined
  return await stat(file).catch(() => undefined)
}

async function writeDurably(path: string, content: string, mode: number, owner: Owner | undefined): Promise<void> {
  await using handle = await open(path, 'wx', mode)
  if (owner !== undefined) await handle.chown(owner.uid, owner.gid)
  // The process's umask may have taken bits away.
  await handle.chmod(mode)
  await handle.writeFile(content)
  await handle.sync()
}
