/**
 * `run/pids.json`: which processes belong to the stack, by name. For operators and tests, and for the
 * next `up` after a kill -9 of this one, which ends what was left over before it starts its own.
 *
 * Written synchronously, right after a process was started: the window in which a kill -9 leaves an
 * unknown process behind is a few microseconds.
 */

import { readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { schema } from '#shared/config'
import { replaceFile } from './data-directory.ts'
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts'

export interface PidFile {
  set(name: string, pid: number | undefined): void
  remove(): void
}

const fileSchema = schema.record(schema.string(), schema.object({ pid: schema.int(), startedAt: schema.string() }))

const POLL_MS = 20

export function openPidFile(path: string): PidFile {
  const processes: Record<string, ProcessIdentity> = {}
  return {
    set(name, pid) {
      const identity = pid === undefined ? undefined : identifyProcess(pid)
      if (identity === undefined) delete processes[name]
      else processes[name] = identity
      replaceFile(path, `${JSON.stringify(processes, undefined, 2)}\n`)
    },
    remove: () => rmSync(path, { force: true }),
  }
}

/**
 * Ends what an `up` that was killed left behind. Its services stop by themselves, since their channel to
 * it closed, and need the time that takes; its Redis does not and is asked to (SIGTERM writes and syncs
 * the AOF).
 *
 * @returns the names of those that had to be waited for
 */
export async function endLeftovers(
  path: string,
  { graceMs, redisGraceMs }: { graceMs: number; redisGraceMs: number },
): Promise<string[]> {
  const { redis, ...services } = readPidFile(path)
  const running = Object.entries(services).filter(([, identity]) => isRunning(identity))
  await Promise.all(running.map(([, identity]) => end(identity, graceMs)))
  const names = running.map(([name]) => name)
  if (redis === undefined || !isRunning(redis)) return names
  await end(redis, redisGraceMs)
  return [...names, 'redis']
}

async function end(identity: ProcessIdentity, graceMs: number): Promise<void> {
  signal(identity, 'SIGTERM')
  const deadline = performance.now() + graceMs
  while (isRunning(identity)) {
    if (performance.now() > deadline) signal(identity, 'SIGKILL')
    await sleep(POLL_MS)
  }
}

function readPidFile(path: string): Record<string, ProcessIdentity> {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return {} // None, or not one of ours: there is nothing to go by.
  }
}

function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isRunning(identity)) return
  try {
    process.kill(identity.pid, name)
  } catch {
    // It ended in between.
  }
}
