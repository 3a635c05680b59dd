/**
 * A generator of load: sends signed requests when they are due, whatever the answers do, and counts everything.
 *
 * A latency counts from when the request was due, not from when it was sent: waiting for a free connection, and what
 * this process was late itself, are in it. How late it was is counted too, since then it says something about us.
 */

import { createBitSet } from '../harness/bit-set.ts'
import { createLatencyHistogram, type HistogramCounts } from '../harness/histogram.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import { type ConnectionPool, openPool } from '../throughput/connection-pool.ts'
import type { Answer, ConnectionOptions } from '../throughput/publish-connection.ts'
import { isTimed, readOutcome } from '../throughput/publish-request.ts'
import { createReserve, type ReadyRequest, type RequestReserve } from '../throughput/request-reserve.ts'
import { serveParent } from './serve-parent.ts'
import type { SignAheadOptions } from './sign-ahead.ts'

export type LoadGenerator = {
  /** Opens connections and signs ahead. */
  open(o: GeneratorOptions): Promise<void>
  /** @param startAtMs CLOCK_MONOTONIC of the schedule's zero */
  start(o: { startAtMs: number }): void
  /** What happened since the last time it was asked. */
  sample(o: Record<string, never>): GeneratorSample
  /** No request more; those under way are waited for. */
  stop(o: Record<string, never>): void
  /** Once every request that was due is answered or given up. */
  finished(o: { drainMs: number }): Promise<GeneratorResult>
}

export interface GeneratorOptions extends SignAheadOptions {
  readonly connection: ConnectionOptions & { readonly connections: number }
  /** What is due before counts for the totals, but for no latency or rate. */
  readonly measuredFromMs: number
}

/** In messages but where it says requests. */
export interface GeneratorSample {
  readonly due: number
  readonly accepted: number
  readonly failed: number
  /** Requests now. */
  readonly waiting: number
  readonly underWay: number
  readonly latency: HistogramCounts
  readonly late: HistogramCounts
}

export interface GeneratorResult {
  /** Messages whose request came due and was sent, or should have been. */
  readonly due: number
  /** Of those due in the measured span. */
  readonly measured: { readonly due: number; readonly accepted: number }
  readonly accepted: number
  readonly errors: readonly (readonly [code: string, messages: number])[]
  /** Numbers of accepted messages, and of those of which nobody knows; bit sets as text. */
  readonly acceptedNumbers: string
  readonly unknownNumbers: string
  /** From due, from sending, and how late requests were sent though a connection was free. */
  readonly latency: HistogramCounts
  readonly service: HistogramCounts
  readonly late: HistogramCounts
  /** Requests that found no free connection, and connections that had to be opened again. */
  readonly foundNoConnection: number
  readonly reopened: number
  /** CLOCK_MONOTONIC when the last answer came. */
  readonly endedAtMs: number
}

const POLL_MS = 20

let options: GeneratorOptions | undefined
let pool: ConnectionPool | undefined
let reserve: RequestReserve | undefined
let startAtMs = 0
let isStopped = false

const latency = createLatencyHistogram()
const service = createLatencyHistogram()
const late = createLatencyHistogram()
const accepted = createBitSet()
const unknown = createBitSet()
const errors = new Map<string, number>()
let due = 0
let measuredDue = 0
let measuredAccepted = 0
let foundNoConnection = 0
let endedAtMs = 0

const recent = { latency: createLatencyHistogram(), late: createLatencyHistogram(), due: 0, accepted: 0, failed: 0 }

const calls: LoadGenerator = {
  async open(o) {
    options = o
    reserve = createReserve(o)
    pool = await openPool(o.connection)
    await reserve.filled()
  },
  start(o) {
    startAtMs = o.startAtMs
    tick()
  },
  sample() {
    const sample = {
      due: recent.due,
      accepted: recent.accepted,
      failed: recent.failed,
      waiting: pool?.waiting ?? 0,
      underWay: pool?.underWay ?? 0,
      latency: recent.latency.counts(),
      late: recent.late.counts(),
    }
    recent.due = recent.accepted = recent.failed = 0
    recent.latency.reset()
    recent.late.reset()
    return sample
  },
  stop() {
    isStopped = true
  },
  async finished({ drainMs }) {
    while (!hasSentAll()) await pause()
    const deadline = monotonicMs() + drainMs
    while (isBusy() && monotonicMs() < deadline) await pause()
    pool?.giveUp('NeverSent')
    while (isBusy()) await pause()
    pool?.close()
    await reserve?.close()
    return {
      due,
      measured: { due: measuredDue, accepted: measuredAccepted },
      accepted: accepted.size,
      errors: [...errors],
      acceptedNumbers: accepted.toText(),
      unknownNumbers: unknown.toText(),
      latency: latency.counts(),
      service: service.counts(),
      late: late.counts(),
      foundNoConnection,
      reopened: pool?.reopened ?? 0,
      endedAtMs,
    }
  },
}

function tick(): void {
  if (reserve === undefined || isStopped) return
  let next = reserve.peek()
  // Those that are due together leave together.
  for (; next !== undefined && startAtMs + next.dueMs <= monotonicMs(); next = reserve.peek()) {
    reserve.take()
    send(next)
  }
  if (reserve.isEmpty) return
  // None ready: the thread that signs is behind, which shows as lateness.
  setTimeout(tick, next === undefined ? 1 : Math.max(0, startAtMs + next.dueMs - monotonicMs()))
}

function send({ number, dueMs, bytes }: ReadyRequest): void {
  const o = options
  if (o === undefined || pool === undefined) return
  const dueAtMs = startAtMs + dueMs
  const isMeasured = dueMs >= o.measuredFromMs
  const lateMs = monotonicMs() - dueAtMs
  let sentAtMs = 0
  due += o.batch
  recent.due += o.batch
  recent.late.recordMs(lateMs)
  if (isMeasured) {
    measuredDue += o.batch
    late.recordMs(lateMs)
  }
  const onSent = () => {
    sentAtMs = monotonicMs()
  }
  pool.send(bytes, onSent, (answer) => finish(number, answer, { dueAtMs, sentAtMs, isMeasured, batch: o.batch }))
  if (sentAtMs === 0) foundNoConnection++
}

function finish(
  number: number,
  answer: Answer,
  o: { dueAtMs: number; sentAtMs: number; isMeasured: boolean; batch: number },
): void {
  const now = monotonicMs()
  endedAtMs = now
  const outcome = readOutcome(answer, o.batch)
  for (const entry of outcome.accepted) accepted.add(number * o.batch + entry)
  if (outcome.isUnknown) for (let entry = 0; entry < o.batch; entry++) unknown.add(number * o.batch + entry)
  for (const code of outcome.failed) errors.set(code, (errors.get(code) ?? 0) + 1)
  recent.accepted += outcome.accepted.length
  recent.failed += outcome.failed.length
  recent.latency.recordMs(now - o.dueAtMs)
  if (!o.isMeasured) return
  measuredAccepted += outcome.accepted.length
  if (!isTimed(outcome, answer)) return
  latency.recordMs(now - o.dueAtMs)
  service.recordMs(now - o.sentAtMs)
}

function hasSentAll(): boolean {
  return isStopped || reserve?.isEmpty === true
}

function isBusy(): boolean {
  return pool !== undefined && pool.waiting + pool.underWay > 0
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS))
}

// Ctrl-C at a terminal reaches every process of the group; the run decides how it ends.
process.on('SIGINT', () => {})
serveParent(calls)
