/**
 * One `up` a data directory: a lock file that names its holder.
 *
 * It outlives kill -9, so a lock whose holder is gone is taken over. Taking over moves the old file away
 * and looks at what was moved: of two that take over at once, the later one finds the other's fresh lock
 * in its hands, and puts it back.
 */

import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { AlreadyRunningError, StartFailedError } from './errors.ts'
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts'

export interface Lock {
  release(): void
}

/** Each round means that somebody else changed the file in between. */
const MAX_ROUNDS = 20

/** @throws {AlreadyRunningError} naming the pid of the live holder */
export function acquireLock(path: string): Lock {
  const own = JSON.stringify({ ...identifyProcess(process.pid), token: randomUUID() })
  const temporary = `${path}.${randomUUID()}`
  writeFileSync(temporary, own, { mode: 0o600, flag: 'wx' })
  try {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (tryLink(temporary, path)) return { release: () => releaseLock(path, own) }
      const holder = read(path)
      if (holder === undefined) continue
      const identity = parse(holder)
      if (identity !== undefined && isRunning(identity)) {
        throw new AlreadyRunningError(
          `Cannot start: an \`up\` with pid ${identity.pid} runs on this data directory already`,
        )
      }
      removeStale(path, holder)
    }
    throw new StartFailedError(`Cannot start: others keep taking ${path}`)
  } finally {
    rmSync(temporary, { force: true })
  }
}

function removeStale(path: string, stale: string): void {
  const moved = `${path}.${randomUUID()}`
  try {
    renameSync(path, moved)
  } catch {
    return // Somebody else moved it first.
  }
  if (read(moved) !== stale) tryLink(moved, path)
  rmSync(moved, { force: true })
}

function releaseLock(path: string, own: string): void {
  if (read(path) === own) rmSync(path, { force: true })
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** @returns undefined for what a crash cut short: its writer is gone */
function parse(text: string): ProcessIdentity | undefined {
  try {
    const { pid, startedAt } = JSON.parse(text)
    return Number.isSafeInteger(pid) && typeof startedAt === 'string' ? { pid, startedAt } : undefined
  } catch {
    return undefined
  }
}
