/**
 * Empties the backlog of one subscription: reference → permit → reopen → rate → attempt → leave.
 *
 * Oldest first, as many at once as the endpoint has permits. A reference leaves the backlog when its
 * message is delivered, given up, in the retry schedule, or held for a KMS key; one that cannot be tried now (a
 * topic record) stays and is met again at the next round. Whoever waits consumes no attempt, but not for
 * ever: past `maxAgeMs` it is given up, or an endpoint nobody repairs would fill Redis. Only what could be
 * tried is: what waits for a key is held instead, and joins anew, with a new age, when the key works.
 *
 * reading ──page──▶ each reference in turn ──end──▶ resting ──joined, or held ones due──▶ reading
 *                                                     └──nothing left──▶ over
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '#shared/clock'
import { applyJitter, type PartitionRetries } from '#shared/retry-schedule'
import { type BacklogReference, type Entry, LeaseLostError, type PartitionLease } from '#shared/stream-log'
import type { Admit } from '../admit.ts'
import type { AttemptDelivery } from '../attempt.ts'
import { type AttemptDecision, decideError } from '../decide-settlement.ts'
import type { Served } from '../endpoints/endpoint.ts'
import type { Endpoints } from '../endpoints/endpoints.ts'
import { keepTrying } from '../keep-trying.ts'
import { BACKLOG_PAGE, MAX_BACKLOG_HOLD_MS, REREAD_SHARE, RETRY_HOLD_MS } from '../limits.ts'
import type { Reopen, Reopened } from '../reopen.ts'
import { isTampering } from '../report-failure.ts'

export type BacklogLease = Pick<PartitionLease, 'readBacklog' | 'leaveBacklog' | 'noteAttempts'>

export interface DrainDependencies {
  lease: BacklogLease
  retries: Pick<PartitionRetries, 'schedule'>
  reopen: Reopen
  admit: Admit
  attemptDelivery: AttemptDelivery
  endpoints: Endpoints
  /** Length of one second of a retry policy. */
  retrySecondMs: number
  random: () => number
  clock: Clock
  /** How long a message may wait. */
  maxAgeMs: number
  /** Aborts when no more attempts are to be begun. */
  ended: AbortSignal
  /** Aborts when the lease is lost or given back. */
  gone: AbortSignal
  /** A message was given up because it waited too long. */
  onExpired: (reference: { messageId: string; subscriptionId: string }, entry: Entry) => void
  /**
   * Told once of each reason that holds messages, and of everything nobody expects.
   *
   * @param reference without a message id when the backlog itself could not be read
   */
  onFailure: (error: unknown, reference: { messageId: string | undefined; subscriptionId: string }) => void
}

export interface Drain {
  /** Resolves when the backlog is empty, or when it ended; attempts may still be under way then. */
  readonly over: Promise<void>
  /** Nothing is read any more: what joins from now on needs another one. */
  readonly isOver: boolean
  /** How many attempts are under way. */
  readonly underWay: number
  /** A message whose first attempt goes on is about to join: not to be tried when it is met. */
  expect(messageId: string): void
  /** An expected message does not join after all, or nobody knows whether it did. */
  unexpect(messageId: string): void
  /** References joined. */
  joined(): void
  /** The first attempt of an expected message, and where it lies, if that is known. */
  attempting(reference: BacklogReference, decision: Promise<AttemptDecision>): void
}

/** What came of a reference. */
type Outcome =
  | { kind: 'close' | 'leave' | 'hold' | 'elsewhere' }
  | { kind: 'expire'; entry: Entry }
  | { kind: 'retry'; delaySeconds: number; attemptsMade: number }

export function startDrain(subscriptionId: string, o: DrainDependencies): Drain {
  const { lease, clock, ended, gone } = o
  /** Message ids. */
  const underWay = new Set<string>()
  /** Reasons: one key that does not work may hold thousands. */
  const told = new Set<string>()
  let after = '0'
  let atEnd = false
  /** Since when there are references that could not be tried. */
  let heldSince: number | undefined
  /** How long reading on took from the first of those. */
  let meetingMs = 0
  let news = false
  let isOver = false
  let wake = (): void => undefined
  /** Those for whom a rate has no room ask one after another. */
  let turn: Promise<unknown> = Promise.resolve()

  return {
    over: run(),
    get isOver() {
      return isOver
    },
    get underWay() {
      return underWay.size
    },
    expect: (messageId) => void underWay.add(messageId),
    unexpect: left,
    joined() {
      news = true
      wake()
    },
    attempting(reference, decision) {
      // Also where this one began after another was told to expect it.
      underWay.add(reference.messageId)
      void finish(reference, async () => outcomeOf(await decision, 1))
    },
  }

  async function run(): Promise<void> {
    while (!ended.aborted) {
      try {
        if (await readPage()) break
      } catch (error) {
        if (ended.aborted) break
        o.onFailure(error, { messageId: undefined, subscriptionId })
        await rest()
      }
    }
    isOver = true
  }

  /** @returns whether nothing is left */
  async function readPage(): Promise<boolean> {
    news = false
    if (heldSince !== undefined && isMetAgain(heldSince)) {
      if (!atEnd) meetingMs = clock.now() - heldSince
      heldSince = undefined
      startOver()
    }
    const page = await keepTrying(() => lease.readBacklog(subscriptionId, after, BACKLOG_PAGE), ended)
    for (const reference of page) {
      after = reference.backlogId
      if (!underWay.has(reference.messageId)) await begin(reference)
      if (ended.aborted) return false
    }
    if (page.length > 0 || news) return false
    if (heldSince !== undefined && !atEnd) meetingMs = clock.now() - heldSince
    atEnd = true
    if (underWay.size > 0 || heldSince !== undefined) await rest()
    else if (after === '0') return true
    else startOver()
    return false
  }

  function startOver(): void {
    after = '0'
    atEnd = false
  }

  /**
   * Not only at the end, which a backlog that never becomes empty has not. Nor before what lies behind them had
   * its turn: if this reading does not come to the end, the next one is given ten times as long. A clock that was
   * set back makes nobody wait.
   */
  function isMetAgain(since: number): boolean {
    const elapsedMs = clock.now() - since
    const pauseMs = Math.max(RETRY_HOLD_MS, meetingMs * REREAD_SHARE)
    return elapsedMs < 0 || elapsedMs >= Math.min(pauseMs, MAX_BACKLOG_HOLD_MS)
  }

  /** Until something joined, everything under way has ended, or held references are due again. */
  async function rest(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    const timer = setTimeout(() => wake(), RETRY_HOLD_MS)
    const onEnd = () => wake()
    ended.addEventListener('abort', onEnd, { once: true })
    if (!ended.aborted) await woken
    ended.removeEventListener('abort', onEnd)
    clearTimeout(timer)
  }

  /** Resolves once the reference is under way, or given up. */
  async function begin(reference: BacklogReference): Promise<void> {
    const { messageId } = reference
    if (isExpired(reference)) return finish(reference, () => expire(reference))
    const permit = await o.endpoints.of(subscriptionId).enter(ended)
    if (permit === undefined) return
    underWay.add(messageId)
    void finish(reference, async () => {
      let served: Served = 'untried'
      try {
        return await attempt(reference, (one) => {
          served = one
        })
      } finally {
        permit.leave(served)
      }
    })
  }

  /** What is to be sent under a reference, or what becomes of it as there is nothing. */
  async function reopen({
    messageId,
    backlogId,
  }: BacklogReference): Promise<Outcome | Extract<Reopened, { kind: 'ready' }>> {
    const reopened = await o.reopen(messageId, subscriptionId, backlogId)
    switch (reopened.kind) {
      case 'dropped':
        return { kind: 'close' }
      case 'absent':
      case 'refused':
      // Its reference went with it; one that is left over leaves.
      case 'held':
        return { kind: 'leave' }
      case 'hold':
        return { kind: 'hold' }
      case 'ready':
        return reopened.state.waits ? reopened : { kind: 'elsewhere' }
    }
  }

  async function expire(reference: BacklogReference): Promise<Outcome> {
    const reopened = await reopen(reference)
    return reopened.kind === 'ready' ? { kind: 'expire', entry: reopened.entry } : reopened
  }

  async function attempt(reference: BacklogReference, onServed: (served: Served) => void): Promise<Outcome> {
    const reopened = await reopen(reference)
    if (reopened.kind !== 'ready') return reopened
    const { entry, recipient, outgoing, state } = reopened
    if ((await o.admit(entry, recipient)) > 0) {
      const admitted = turn.then(() => keepAsking(() => o.admit(entry, recipient)))
      turn = admitted.catch(() => undefined)
      await admitted
    }
    if (ended.aborted) return { kind: 'hold' }
    const made = state.attemptsMade + 1
    const { decision, served } = await o.attemptDelivery({ entry, recipient, outgoing, attempt: made })
    onServed(served)
    return outcomeOf(decision, made)
  }

  async function keepAsking(admit: () => number | Promise<number>): Promise<void> {
    for (let waitMs = await admit(); waitMs > 0 && !ended.aborted; waitMs = await admit()) {
      await delay(waitMs, undefined, { signal: ended }).catch(() => undefined)
    }
  }

  /** Does the work and applies what came of it; a reference that could not be tried is met again. */
  async function finish(reference: BacklogReference, work: () => Promise<Outcome>): Promise<void> {
    const { messageId } = reference
    try {
      await apply(reference, await work())
    } catch (error) {
      hold()
      if (!gone.aborted && isNews(error)) o.onFailure(error, { messageId, subscriptionId })
    } finally {
      left(messageId)
    }
  }

  function left(messageId: string): void {
    underWay.delete(messageId)
    if (underWay.size === 0) wake()
  }

  async function apply(reference: BacklogReference, outcome: Outcome): Promise<void> {
    const { messageId } = reference
    const leave = (close: boolean) =>
      keepTrying(() => lease.leaveBacklog({ ...reference, subscriptionId, close }), gone)
    switch (outcome.kind) {
      case 'hold':
        return hold()
      case 'close':
        await leave(true)
        return
      case 'expire':
        await leave(true)
        return o.onExpired({ messageId, subscriptionId }, outcome.entry)
      case 'leave':
        await leave(false)
        return
      case 'retry':
        await keepTrying(() => lease.noteAttempts(messageId, subscriptionId, outcome.attemptsMade), gone)
        await schedule(messageId, outcome.delaySeconds)
        await leave(false)
        return
      case 'elsewhere':
        // Whoever noted that may have ended before the job was written; one that exists is not written again.
        await schedule(messageId, 0)
        await leave(false)
    }
  }

  async function schedule(messageId: string, delaySeconds: number): Promise<void> {
    const delayMs = applyJitter(delaySeconds * o.retrySecondMs, o.random())
    await keepTrying(() => o.retries.schedule({ messageId, subscriptionId }, { delayMs }), gone)
  }

  function hold(): void {
    heldSince ??= clock.now()
  }

  function isNews(error: unknown): boolean {
    const { reason } = decideError(error)
    if (reason === 'UNEXPECTED' || isTampering(error) || error instanceof LeaseLostError) return true
    if (told.has(reason)) return false
    told.add(reason)
    return true
  }

  /** By the time it joined, which Redis gave. */
  function isExpired({ backlogId }: BacklogReference): boolean {
    return clock.now() - Number(backlogId.split('-')[0]) > o.maxAgeMs
  }
}

/** @param attemptsMade this one included */
function outcomeOf(decision: AttemptDecision, attemptsMade: number): Outcome {
  if (decision.kind !== 'retry') return { kind: 'close' }
  return { kind: 'retry', delaySeconds: decision.delaySeconds, attemptsMade }
}
