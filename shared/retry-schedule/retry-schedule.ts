/**
 * Failed deliveries waiting for their next attempt: a delayed job each. The one place that knows
 * BullMQ.
 *
 * A job is a reference (message id, subscription id); the body rests in the partition's body record.
 * What becomes of a job is decided by the caller's `process` and applied here, so that policies,
 * subscriptions and leases stay outside: BullMQ's own attempt limit is never reached.
 *
 * Nothing authenticates a job, so little of it is believed: its id, which is the reference, and the
 * number of attempts. Data and options that lie in Redis are not looked at. A reference that somebody
 * made up leads to a body record that verifies, or to nothing.
 *
 * Each partition has its queue, in the partition's hash slot. One connection is shared by all
 * queues; each partition adds one that blocks. Both keep commands while Redis is gone, as BullMQ
 * needs, wherefore `schedule` has a deadline. Nothing but codes is stored of a failure.
 */

import { DelayedError, ErrorCode, type Job, type JobJson, type JobsOptions, Queue, Worker } from 'bullmq'
import { Redis, type RedisOptions } from 'ioredis'
import type { Clock } from '#shared/clock'
import { describeError } from '#shared/errors'
import { RetryScheduleSpoiltError, RetryScheduleUnavailableError } from './errors.ts'

export interface RetryReference {
  messageId: string
  subscriptionId: string
}

export interface DueRetry extends RetryReference {
  /** Attempts that were made from the schedule before; holds do not count. */
  retriesMade: number
  /** When it was first scheduled, in epoch ms; as little to be believed as the rest of a job. */
  scheduledAt: number
}

/** What becomes of a retry. `reason` is a code: it is stored in Redis. */
export type RetryVerdict =
  | { kind: 'done' }
  /** An attempt was made and failed: again after `delayMs`. */
  | { kind: 'retry'; delayMs: number; reason: string }
  /** No attempt was made: again after `delayMs`. */
  | { kind: 'hold'; delayMs: number }
  /** The partition is no longer ours: the job goes back as it was, for the next owner. */
  | { kind: 'abandon' }

export interface PartitionRetries {
  /**
   * Records a retry. Doing so again while the job exists changes nothing.
   *
   * @throws {RetryScheduleUnavailableError} when Redis does not answer in time
   * @throws {RetryScheduleSpoiltError} when a key of the schedule has a type that it never had
   */
  schedule(reference: RetryReference, options: { delayMs: number }): Promise<void>
  /**
   * Makes a retry due at once, and records it if there is none. Repeatable.
   *
   * @returns false while it is running, which may end in its being put off
   * @throws as `schedule`
   */
  hasten(reference: RetryReference): Promise<boolean>
  /** Starts no more jobs and waits for those that run; while Redis is gone it may wait for long. Scheduling goes on. */
  stop(): Promise<void>
  /** Stops, and ends scheduling too. */
  close(): Promise<void>
  /** Ends all at once, also while `stop` waits: the lease is gone, or time is up. */
  abandon(): Promise<void>
}

export interface RetrySchedule extends AsyncDisposable {
  /**
   * Runs the due retries of one partition; call it only while holding its lease.
   *
   * @param prefix key prefix with the partition's hash tag
   * @param concurrency how many jobs may run at once
   */
  open(options: {
    prefix: string
    concurrency: number
    process: (due: DueRetry) => Promise<RetryVerdict>
  }): PartitionRetries
}

/** Retries end by their policy, in `process`; this only has to be more than any policy allows. */
const UNREACHABLE_ATTEMPTS = 1_000_000

/** BullMQ narrates every step to a stream nobody reads here; it need not hold more than a few. */
const EVENTS_KEPT = 10

/** Time for a worker that lost its lease to stop fetching, before its job is due again. */
const ABANDONED_DELAY_MS = 100

/** Between two reports of failures of one kind. */
const REPORT_PAUSE_MS = 10_000

/** After an unexpected failure of `process`: short, as no attempt was consumed, but no hot loop. */
const UNEXPECTED_FAILURE_DELAY_MS = 1_000

/**
 * @param url of Redis
 * @param lockMs how long a job of a killed process stays locked before another run; two to three
 *   times that until it is found
 * @param onError told of failures that are nobody's answer (connection losses, lost locks), once for each kind in a while
 * @param onForged told of jobs and keys that only somebody else can have written, likewise
 * @param addDeadlineMs how long `schedule` waits for Redis
 */
export function createRetrySchedule({
  url,
  clock,
  lockMs,
  onError,
  onForged = () => undefined,
  addDeadlineMs = 3_000,
}: {
  url: string
  clock: Clock
  lockMs: number
  onError: (error: unknown) => void
  onForged?: (error: unknown) => void
  addDeadlineMs?: number
}): RetrySchedule {
  const connection = new RememberingRedis(url, {
    connectionName: 'sealcast-retry',
    // BullMQ's scripts expect replies in this form.
    protocol: 2,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(50 * times, 500),
  })
  const onFailure = reportSparsely(onError, clock)
  const onForgery = reportSparsely(onForged, clock)
  const report = (error: unknown) => (isForged(error) ? onForgery : onFailure)(error)
  connection.on('error', report)

  return {
    open: ({ prefix, concurrency, process }) =>
      openPartition({ connection, clock, prefix, concurrency, process, lockMs, report, onFailure, addDeadlineMs }),
    async [Symbol.asyncDispose]() {
      connection.disconnect()
      connection.endCopies(connection.copies)
    },
  }
}

function openPartition({
  connection,
  clock,
  prefix,
  concurrency,
  process,
  lockMs,
  report,
  onFailure,
  addDeadlineMs,
}: {
  connection: RememberingRedis
  clock: Clock
  prefix: string
  concurrency: number
  process: (due: DueRetry) => Promise<RetryVerdict>
  lockMs: number
  /** Of BullMQ. */
  report: (error: unknown) => void
  /** Of `process`. */
  onFailure: (error: unknown) => void
  addDeadlineMs: number
}): PartitionRetries {
  const queue = new Queue(QUEUE_NAME, {
    connection,
    prefix,
    streams: { events: { maxLen: EVENTS_KEPT } },
  })
  queue.on('error', report)

  const others = new Set(connection.copies)
  const worker = new RetryWorker(QUEUE_NAME, (job, token) => run(job, token), {
    connection,
    prefix,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: lockMs,
    // A job is stalled when its process died. Its default of one would lose the job at the second death.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    settings: { backoffStrategy: (_attemptsMade, _type, error) => delayOf(error) },
  })
  worker.on('error', report)
  const copies = [...connection.copies].filter((copy) => !others.has(copy))

  async function run(job: Job, token: string | undefined): Promise<void> {
    const verdict = await judge(job)
    switch (verdict.kind) {
      case 'done':
        return
      case 'retry':
        throw new RetryLater(verdict.reason, verdict.delayMs)
      case 'hold':
        return putBack(job, token, verdict.delayMs)
      case 'abandon':
        return putBack(job, token, ABANDONED_DELAY_MS)
    }
  }

  /** BullMQ's lock fences this: a job that somebody else runs by now stays theirs. */
  async function putBack(job: Job, token: string | undefined, delayMs: number): Promise<never> {
    await job.moveToDelayed(clock.now() + delayMs, token)
    throw new DelayedError()
  }

  async function judge(job: Job): Promise<RetryVerdict> {
    const reference = referenceOf(job.id)
    if (reference === undefined) {
      report(new RetryScheduleSpoiltError('A job that names no message and subscription was removed'))
      return { kind: 'done' }
    }
    try {
      return await process({ ...reference, retriesMade: job.attemptsMade, scheduledAt: Number(job.timestamp) })
    } catch (error) {
      onFailure(error)
      return { kind: 'hold', delayMs: UNEXPECTED_FAILURE_DELAY_MS }
    }
  }

  async function add(jobId: string, delayMs: number): Promise<void> {
    try {
      await queue.add('retry', {}, { ...JOB_OPTIONS, jobId, delay: delayMs })
    } catch (error) {
      if (!isWrongType(error)) throw error
      // What the script did before it failed stays: a job that is in no list, for which the next attempt
      // to schedule it would be taken as done.
      await connection.del(queue.toKey(jobId))
      throw new RetryScheduleSpoiltError('Cannot schedule a retry: a key of the schedule holds another type of value')
    }
  }

  async function hasten(jobId: string): Promise<boolean> {
    const state = await queue.getJobState(jobId)
    if (state === 'unknown') {
      // It may run before its state could be read again; it is due all the same.
      await add(jobId, 0)
      return true
    }
    if (state === 'delayed') await (await queue.getJob(jobId))?.promote().catch(ignoreNotDelayed)
    return state !== 'active'
  }

  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= worker.close()
    return stopping
  }

  return {
    schedule: (reference, { delayMs }) => beforeDeadline(addDeadlineMs, add(jobIdOf(reference), delayMs)),
    hasten: (reference) => beforeDeadline(addDeadlineMs, hasten(jobIdOf(reference))),
    stop,
    async close() {
      await stop()
      await queue.close()
      connection.endCopies(copies)
    },
    async abandon() {
      connection.endCopies(copies)
      // A close that waits already cannot be forced; what it keeps alive can be ended.
      if (stopping === undefined) await worker.close(true)
      else await worker.cut()
      await queue.close()
    },
  }
}

const QUEUE_NAME = 'retry'

const NOT_DELAYED: ReadonlySet<unknown> = new Set([ErrorCode.JobNotExist, ErrorCode.JobNotInState])

/** It became due in between. */
function ignoreNotDelayed(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && NOT_DELAYED.has(error.code))) throw error
}

/** In force whatever a job says of itself. */
const JOB_OPTIONS: JobsOptions = {
  attempts: UNREACHABLE_ATTEMPTS,
  backoff: { type: 'verdict' },
  removeOnComplete: true,
  removeOnFail: true,
  stackTraceLimit: 0,
}

function jobIdOf({ messageId, subscriptionId }: RetryReference): string {
  return `${messageId}-${subscriptionId}`
}

/** Both are UUIDs, so that the id has one reading. */
function referenceOf(jobId: string | undefined): RetryReference | undefined {
  const [, messageId, subscriptionId] = /^([0-9a-f-]{36})-([0-9a-f-]{36})$/.exec(jobId ?? '') ?? []
  return messageId === undefined || subscriptionId === undefined ? undefined : { messageId, subscriptionId }
}

/**
 * Remembers the copies that BullMQ makes of it, and ends them for good. A worker that is closed while Redis is
 * gone, waiting for its copy to be connected again, connects it anew as soon as it has ended: nobody would ever
 * end it a second time, and it would keep the process alive.
 */
class RememberingRedis extends Redis {
  readonly copies = new Set<Redis>()

  override duplicate(options?: Partial<RedisOptions>): Redis {
    const copy = super.duplicate(options)
    this.copies.add(copy)
    return copy
  }

  endCopies(copies: Iterable<Redis>): void {
    for (const copy of copies) {
      this.copies.delete(copy)
      // In the driver's words, which BullMQ knows.
      copy.connect = () => Promise.reject(new Error('Connection is closed.'))
      copy.disconnect()
    }
  }
}

class RetryWorker extends Worker {
  /** Takes over what is believed of a stored job; the rest could name other jobs, queues and schedules. */
  protected override createJob(stored: JobJson, jobId: string): Job {
    const { name, delay, priority, timestamp, attemptsStarted, attemptsMade } = stored
    const counted = Number.isSafeInteger(attemptsMade) && attemptsMade >= 0 ? attemptsMade : 0
    const believed = { name, delay, priority, timestamp, attemptsStarted, attemptsMade: counted }
    return super.createJob({ ...believed, id: jobId, data: '{}', opts: JOB_OPTIONS, progress: 0 } as JobJson, jobId)
  }

  /** Lets a close that waits be left alone: the worker then holds no timer and renews no lock. */
  async cut(): Promise<void> {
    await this.pause(true)
    await this.lockManager.close()
  }
}

/** Carries a verdict through BullMQ's failure path. Its message is what BullMQ stores: a code. */
class RetryLater extends Error {
  readonly delayMs: number

  constructor(reason: string, delayMs: number) {
    super(reason)
    this.delayMs = delayMs
  }
}

function delayOf(error: Error | undefined): number {
  return error instanceof RetryLater ? error.delayMs : UNEXPECTED_FAILURE_DELAY_MS
}

/** What Redis answers for a key of another type, and what reading a job says that none of us wrote. */
function isForged(error: unknown): boolean {
  if (error instanceof RetryScheduleSpoiltError || error instanceof SyntaxError) return true
  return isWrongType(error)
}

function isWrongType(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('WRONGTYPE')
}

/** During an outage every connection reports every attempt, several in a second. */
function reportSparsely(onError: (error: unknown) => void, clock: Clock): (error: unknown) => void {
  const reportedAt = new Map<string, number>()
  return (error) => {
    const now = clock.now()
    const { name, code } = describeError(error)
    const kind = `${name} ${code}`
    if (now - (reportedAt.get(kind) ?? Number.NEGATIVE_INFINITY) < REPORT_PAUSE_MS) return
    reportedAt.set(kind, now)
    onError(error)
  }
}

/** BullMQ waits for Redis without end; whoever schedules must not. */
async function beforeDeadline<T>(deadlineMs: number, recorded: Promise<T>): Promise<T> {
  const expired = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => expired.reject(new RetryScheduleUnavailableError('Cannot schedule a retry: Redis did not answer in time')),
    deadlineMs,
  )
  try {
    return await Promise.race([recorded, expired.promise])
  } catch (error) {
    if (error instanceof RetryScheduleUnavailableError) {
      // The command may still be sent or fail later; nobody waits for it any more.
      recorded.catch(() => undefined)
      throw error
    }
    if (error instanceof RetryScheduleSpoiltError) throw error
    throw new RetryScheduleUnavailableError('Cannot schedule a retry: Redis refused it')
  } finally {
    clearTimeout(timer)
  }
}
