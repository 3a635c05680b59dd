/**
 * One process a keystore: a lock file with the holder's pid and start time.
 *
 * Two writers would overwrite each other's keys. The file outlives kill -9, so a lock whose holder is
 * gone is taken over; the start time tells the holder from a later process with the same pid. Two
 * processes may take over at once, so the taker waits and looks again, and `assertHeld`, asked
 * before every write, stops whoever lost.
 *
 * Containers that share the directory do not see each other's pids, so the holder listens on a socket beside the
 * lock too: whoever gets through to it knows that it lives. Meant for one host: another's processes are not seen.
 */

import { randomUUID } from 'node:crypto'
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMissing, TEMPORARY_MARK } from './durable-file.ts'
import { KeystoreLockedError } from './errors.ts'

export const LOCK_FILE = 'keystore.lock'

const SOCKET_FILE = 'keystore.sock'

/** Longer than any rival may take from judging a lock to replacing it. */
const TAKE_OVER_SETTLE_MS = 100

interface StoreLock extends AsyncDisposable {
  /** @throws {KeystoreLockedError} when another process has taken the lock */
  assertHeld(): Promise<void>
}

/** @throws {KeystoreLockedError} while another live process holds it */
export async function acquireStoreLock(dir: string): Promise<StoreLock> {
  const path = join(dir, LOCK_FILE)
  const socket = join(dir, SOCKET_FILE)
  const own = JSON.stringify({ pid: process.pid, startedAt: await startOf(process.pid), token: randomUUID() })
  const temporary = `${path}${TEMPORARY_MARK}${randomUUID()}`
  await writeFile(temporary, own, { mode: 0o600, flag: 'wx' })
  try {
    await placeLock(path, { temporary, own, socket })
  } finally {
    await unlink(temporary).catch(() => undefined)
  }
  const isHeld = async () => (await readLock(path)) === own
  const listening = await listenOn(socket)
  return {
    async assertHeld() {
      if (!(await isHeld())) throw locked(path)
    },
    async [Symbol.asyncDispose]() {
      const wasHeld = await isHeld()
      // Closing takes the socket's name away, which is the winner's if the lock was lost.
      if (wasHeld) await new Promise((resolve) => (listening ? listening.close(resolve) : resolve(undefined)))
      if (wasHeld) await unlink(path)
    },
  }
}

async function placeLock(
  path: string,
  { temporary, own, socket }: { temporary: string; own: string; socket: string },
): Promise<void> {
  try {
    await link(temporary, path)
    return
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  const holder = await readLock(path)
  if (holder !== undefined && ((await isAlive(holder)) || (await answers(socket)))) throw locked(path)
  await rename(temporary, path)
  await sleep(TAKE_OVER_SETTLE_MS)
  if ((await readLock(path)) !== own) throw locked(path)
}

/** @returns undefined where there can be no socket: a path too long for one, some shared file systems */
async function listenOn(socket: string): Promise<Server | undefined> {
  const server = createServer((connection) => connection.destroy()).unref()
  // What a killed holder left.
  await unlink(socket).catch(() => undefined)
  return await new Promise((resolve) => {
    server.on('error', () => resolve(undefined))
    server.listen(socket, () => resolve(server))
  })
}

async function answers(socket: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const connection = connect(socket)
    connection.once('error', () => resolve(false))
    connection.once('connect', () => {
      connection.destroy()
      resolve(true)
    })
  })
}

async function readLock(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

async function isAlive(lock: string): Promise<boolean> {
  const holder = parseLock(lock)
  // A lock nobody can read was cut short by a crash: its writer is gone.
  if (holder === undefined) return false
  const startedAt = await startOf(holder.pid)
  // Where start times are unknown, the pid alone must do.
  if (startedAt !== undefined && holder.startedAt !== undefined) return startedAt === holder.startedAt
  return answersToSignal(holder.pid)
}

function parseLock(lock: string): { pid: number; startedAt: string | undefined } | undefined {
  try {
    const { pid, startedAt } = JSON.parse(lock)
    if (!Number.isSafeInteger(pid) || pid <= 0) return undefined
    return { pid, startedAt: typeof startedAt === 'string' ? startedAt : undefined }
  } catch {
    return undefined
  }
}

/** Clock ticks from boot to the process's start, with the boot's id; undefined without /proc or process. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const [bootId, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'latin1'),
      readFile(`/proc/${pid}/stat`, 'latin1'),
    ])
    // The name, in parentheses, may hold blanks; state is the first field after it, the start the twentieth.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // Killed, and its parent has not asked for it yet: it writes nothing any more.
    if (fields[0] === 'Z') return 'gone'
    return `${bootId.trim()}:${fields[19]}`
  } catch {
    return undefined
  }
}

function answersToSignal(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives and is another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function locked(path: string): KeystoreLockedError {
  return new KeystoreLockedError(`Cannot serve this keystore: another process holds ${path}`)
}
