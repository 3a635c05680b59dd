/**
 * A lock between processes that rewrite the same file: a second file beside it, made with O_EXCL.
 *
 * It names its holder, so that what a crash leaves behind does not lock the file for ever: a lock is
 * stale when its process is gone from this host, or when it is older than any writing takes. Removing
 * a stale lock is itself done under a lock (`.break`): without one, two waiters could both find it
 * stale, and the second would remove the first one's fresh lock.
 */

import { randomUUID } from 'node:crypto'
import { open, readFile, stat, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '#shared/clock'
import { PrincipalsFileLockedError } from './errors.ts'

export interface FileLock extends AsyncDisposable {
  /** @throws {PrincipalsFileLockedError} when another process has taken the lock for stale and removed it */
  assertHeld(): Promise<void>
}

/** Writing takes milliseconds. For holders on other hosts, whose processes cannot be asked after. */
const STALE_MS = 30_000
const RETRY_MS = 20

/**
 * @param waitMs how long to wait for another holder
 * @throws {PrincipalsFileLockedError} when it still holds the lock then
 */
export async function lockFile(file: string, o: { waitMs: number; clock: Clock }): Promise<FileLock> {
  const lockPath = `${file}.lock`
  const mine = `${JSON.stringify({ host: hostname(), pid: process.pid, token: randomUUID() })}\n`
  for (let waitedMs = 0; !(await createExclusively(lockPath, mine)); waitedMs += RETRY_MS) {
    if (waitedMs >= o.waitMs) {
      throw new PrincipalsFileLockedError(
        `Cannot change the principals file ${file}: another process holds ${lockPath}. ` +
          'If none is running, remove that file',
      )
    }
    if (!(await removeIfStale(lockPath, o.clock))) await sleep(RETRY_MS)
  }
  const isHeld = async (): Promise<boolean> => (await readIfThere(lockPath)) === mine
  return {
    async assertHeld() {
      if (await isHeld()) return
      throw new PrincipalsFileLockedError(
        `Cannot change the principals file ${file}: its lock was taken over meanwhile`,
      )
    },
    async [Symbol.asyncDispose]() {
      if (await isHeld()) await unlink(lockPath)
    },
  }
}

async function createExclusively(path: string, content: string): Promise<boolean> {
  try {
    await using handle = await open(path, 'wx', 0o600)
    await handle.writeFile(content)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

async function removeIfStale(lockPath: string, clock: Clock): Promise<boolean> {
  if (!(await isStale(lockPath, clock))) return false
  const breakPath = `${lockPath}.break`
  if (!(await createExclusively(breakPath, ''))) return false
  try {
    // Looked at again: only now is nobody else about to remove it.
    if (!(await isStale(lockPath, clock))) return false
    await unlink(lockPath)
    return true
  } finally {
    await unlink(breakPath)
  }
}

async function isStale(lockPath: string, clock: Clock): Promise<boolean> {
  try {
    const holder = parseHolder(await readFile(lockPath, 'utf8'))
    if (holder !== undefined && holder.host === hostname() && !isAlive(holder.pid)) return true
    // Also for a holder that died between making its lock and writing its name into it.
    return clock.now() - (await stat(lockPath)).mtimeMs > STALE_MS
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

function parseHolder(text: string): { host: unknown; pid: number } | undefined {
  try {
    const holder: unknown = JSON.parse(text)
    if (typeof holder !== 'object' || holder === null || !('pid' in holder) || !('host' in holder)) return undefined
    return Number.isSafeInteger(holder.pid) && Number(holder.pid) > 0
      ? { host: holder.host, pid: Number(holder.pid) }
      : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: alive, somebody else's.
    return !hasCode(error, 'ESRCH')
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
