/**
 * Keeps one process running until it is told to stop.
 *
 * ```text
 * start() ─► starting ─ready─► running ─exit─► waiting (200 ms … 5 s) ─► starting again …
 *               └─ exit, or no sign of life in time ─► StartFailedError, at the first start only
 * stop()  ─► SIGTERM ─ grace ─► SIGKILL ─► ended, from any state
 * ```
 *
 * The process leads a group of its own: Ctrl-C at the terminal reaches the supervisor alone, which then
 * stops its processes in the right order. Those with an IPC channel see it close when the supervisor is
 * killed, and stop by themselves.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment } from '#shared/config'
import { describeLogLine } from './describe-log-line.ts'
import { StartFailedError } from './errors.ts'
import type { LogFiles } from './log-files.ts'

export interface ProcessPlan {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: Environment
  readonly cwd: string
  /** `message`: it says so itself over IPC. Otherwise the function finds out. */
  readonly ready: 'message' | ((signal: AbortSignal) => Promise<void>)
  /** After which it is killed when it is still not ready; undefined: as long as it takes. */
  readonly readyWithinMs?: number
  readonly stopGraceMs: number
}

export interface SupervisionEvents {
  /** A process was started (pid) or ended (undefined). */
  onPid(name: string, pid: number | undefined): void
  onDeath(name: string, how: string, restartInMs: number): void
  onRestarted(name: string, pid: number): void
}

export interface Supervised {
  readonly name: string
  /** @throws {StartFailedError} with the last lines of its log */
  start(): Promise<void>
  stop(): Promise<void>
  /** SIGKILL, now. */
  kill(): void
}

const FIRST_DELAY_MS = 200
const LONGEST_DELAY_MS = 5_000
/** A process that ran this long is not in a crash loop. */
const STEADY_MS = 10_000
/** Of a log, to find what is worth showing in: a stack is mostly frames. */
const READ_LINES = 200
const SHOWN_LINES = 12

interface Running {
  readonly child: ChildProcess
  readonly startedAt: number
  /** Resolves when it is ready; rejects when it ended before or was not in time. */
  readonly ready: Promise<void>
  /** Resolves with how it ended. */
  readonly ended: Promise<string>
  readonly logFrom: number
}

export function supervise(
  plan: ProcessPlan,
  { logs, events }: { logs: LogFiles; events: SupervisionEvents },
): Supervised {
  const { name } = plan
  const stopping = new AbortController()
  let current: Running | undefined
  let loop: Promise<void> = Promise.resolve()

  const launch = (): Running => {
    const running = launchProcess(plan, logs)
    current = running
    events.onPid(name, running.child.pid)
    running.ended.then(() => {
      if (current === running) events.onPid(name, undefined)
    })
    return running
  }

  const keepRunning = async (first: Running) => {
    let running = first
    for (let deaths = 0; ; deaths++) {
      const how = await running.ended
      if (stopping.signal.aborted) return
      if (performance.now() - running.startedAt >= STEADY_MS) deaths = 0
      const delayMs = Math.min(FIRST_DELAY_MS * 2 ** deaths, LONGEST_DELAY_MS)
      events.onDeath(name, how, delayMs)
      await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      running = launch()
      const { pid = 0 } = running.child
      running.ready.then(
        () => events.onRestarted(name, pid),
        // Its end, if it did end, is what the loop waits for; if it did not, it is hung.
        () => killGroup(pid),
      )
    }
  }

  return {
    name,
    async start() {
      const first = launch()
      try {
        await first.ready
      } catch (error) {
        if (first.child.pid !== undefined) killGroup(first.child.pid)
        await first.ended
        const lines = logs.lastLines(name, first.logFrom, READ_LINES)
        const told = lines.map(describeLogLine).filter((line) => line !== undefined)
        const shown = (told.length > 0 ? told : lines).slice(-SHOWN_LINES)
        const reason = error instanceof Error ? error.message : 'failed'
        throw new StartFailedError(
          `Cannot start ${name}: it ${reason}. From ${logs.path(name)}:\n  ${shown.join('\n  ')}`,
        )
      }
      loop = keepRunning(first)
    },
    async stop() {
      stopping.abort()
      const running = current
      if (running !== undefined) {
        running.child.kill('SIGTERM')
        const inTime = new AbortController()
        await Promise.race([
          running.ended,
          sleep(plan.stopGraceMs, undefined, { signal: inTime.signal }).catch(() => {}),
        ])
        inTime.abort()
        if (running.child.exitCode === null && running.child.signalCode === null && running.child.pid !== undefined) {
          killGroup(running.child.pid)
        }
        await running.ended
      }
      await loop
    },
    kill() {
      stopping.abort()
      if (current?.child.pid !== undefined && current.child.exitCode === null && current.child.signalCode === null) {
        killGroup(current.child.pid)
      }
    },
  }
}

function launchProcess(plan: ProcessPlan, logs: LogFiles): Running {
  const log = logs.open(plan.name)
  const output = log?.fd ?? 'ignore'
  const child = spawn(plan.command, plan.args, {
    cwd: plan.cwd,
    env: plan.env,
    detached: true,
    stdio: ['ignore', output, output, ...(plan.ready === 'message' ? (['ipc'] as const) : [])],
  })
  if (log !== undefined) closeSync(log.fd)
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? `exited with ${code}` : `was ended by ${signal}`))
    child.once('error', (error) => {
      // Without a pid it never ran; with one this is about a signal or a message, and it still runs.
      if (child.pid === undefined) resolve(`could not be run (${error.message})`)
    })
  })
  const settled = new AbortController()
  const ready = new Promise<void>((resolve, reject) => {
    ended.then((how) => reject(new Error(how)))
    if (plan.ready === 'message') {
      child.on('message', (message) => {
        if (typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'ready') resolve()
      })
    } else {
      plan.ready(settled.signal).then(resolve, () => undefined)
    }
    const withinMs = plan.readyWithinMs
    if (withinMs !== undefined) {
      const late = () => reject(new Error(`was not ready within ${withinMs / 1000} s`))
      sleep(withinMs, undefined, { signal: settled.signal, ref: false }).then(late, () => undefined)
    }
  })
  const settle = () => settled.abort()
  ready.then(settle, settle)
  return { child, startedAt: performance.now(), ready, ended, logFrom: log?.from ?? 0 }
}

/** Whatever it started itself ends with it. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
