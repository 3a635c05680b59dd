/**
 * One due retry: permit → reopen → rate → attempt → verdict.
 *
 * The verdict counts only what was tried: an endpoint without room, a KMS key, a topic record or a Redis
 * that is not usable holds the job without consuming an attempt. Everything final removes the subscription
 * from the body record first, fenced by the lease; the last one removes the record, and the job is gone
 * after it.
 *
 * A few retries of an endpoint without room wait for their turn; the others come again later, at the pace
 * of the endpoint, so that one endpoint's retries do not take the places of all others'. Nor do those of
 * endpoints that do not answer, each of which may take as long as an attempt lasts: they have a share of the
 * places. Whoever waits for room is given up past the age of a backlog, counted from when the last retry of
 * any policy would have been due: an endpoint that nobody repairs would fill Redis otherwise. Not so who waits for a
 * KMS key, nor is that time counted.
 */

import type { Clock } from '#shared/clock'
import type { Log } from '#shared/log'
import type { RecordMac } from '#shared/record-mac'
import { applyJitter, type DueRetry, type RetryVerdict } from '#shared/retry-schedule'
import { type BodyRecord, decodeEntry, LeaseLostError, type PartitionLease } from '#shared/stream-log'
import type { Admit } from './admit.ts'
import type { AttemptDelivery, Attempted } from './attempt.ts'
import { decideError } from './decide-settlement.ts'
import type { Endpoint, Permit, Served } from './endpoints/endpoint.ts'
import type { Endpoints } from './endpoints/endpoints.ts'
import { createHolds } from './endpoints/holds.ts'
import { keepTrying } from './keep-trying.ts'
import { leaveSignal } from './leave-signal.ts'
import {
  LONGEST_POLICY_SECONDS,
  MAX_RETRIES_SILENT,
  MAX_RETRIES_WAITING,
  RETRY_HELD_MS,
  RETRY_HOLD_MS,
} from './limits.ts'
import type { DeliveryMetrics } from './metrics.ts'
import type { Reopen } from './reopen.ts'
import { isTampering, reportFailure } from './report-failure.ts'

export interface RetryDependencies {
  recordMac: RecordMac
  admit: Admit
  attemptDelivery: AttemptDelivery
  endpoints: Endpoints
  /** Length of one second of a retry policy. */
  retrySecondMs: number
  random: () => number
  /** How long a retry may wait for room, beyond the longest policy. */
  maxAgeMs: number
  clock: Clock
  log: Log
  metrics: DeliveryMetrics
}

const HOLD: RetryVerdict = { kind: 'hold', delayMs: RETRY_HOLD_MS }
/** Whoever releases it makes it due; the job stays, so that nothing is lost whatever happens in between. */
const HELD: RetryVerdict = { kind: 'hold', delayMs: RETRY_HELD_MS }
const DONE: RetryVerdict = { kind: 'done' }
const ABANDON: RetryVerdict = { kind: 'abandon' }

/**
 * @param lease of the partition the job belongs to
 * @param stopping aborts when no more attempts are to be begun; those under way are left alone soon after
 * @param gone aborts when that lease is lost
 * @param onLeaseLost called when a fenced script was refused
 */
export function createRetryProcessor(
  o: RetryDependencies & {
    lease: Pick<PartitionLease, 'settleSubscription' | 'readBody'>
    reopen: Reopen
    stopping: AbortSignal
    gone: AbortSignal
    onLeaseLost: () => void
  },
): (due: DueRetry) => Promise<RetryVerdict> {
  const { lease } = o
  const ended = AbortSignal.any([o.stopping, o.gone])
  const left = leaveSignal(o.stopping, o.gone)
  const whenLeft = new Promise<RetryVerdict>((resolve) => {
    left.addEventListener('abort', () => resolve(ABANDON), { once: true })
  })
  const waitingFor = new Map<string, number>()
  let waiting = 0
  let silent = 0
  const nextSilentHold = createHolds(o.clock)

  return async (due) => {
    const endpoint = o.endpoints.of(due.subscriptionId)
    if (!endpoint.isSilent) return retryInTurn(endpoint, due)
    if (silent >= MAX_RETRIES_SILENT) {
      return holdOrGiveUp(due, () => nextSilentHold(endpoint.attemptMs / MAX_RETRIES_SILENT))
    }
    silent++
    try {
      return await retryInTurn(endpoint, due)
    } finally {
      silent--
    }
  }

  async function retryInTurn(endpoint: Endpoint, due: DueRetry): Promise<RetryVerdict> {
    const permit = await enter(endpoint, due.subscriptionId)
    if (ended.aborted) {
      permit?.leave('untried')
      return ABANDON
    }
    if (permit === undefined) return holdOrGiveUp(due, () => endpoint.holdMs())
    // An attempt may take fifteen seconds; whoever takes the partition over need not wait for it.
    return Promise.race([retryWith(permit, due), whenLeft])
  }

  async function enter(endpoint: Endpoint, subscriptionId: string): Promise<Permit | undefined> {
    const permit = endpoint.tryEnter()
    if (permit !== undefined) return permit
    const ofThisEndpoint = waitingFor.get(subscriptionId) ?? 0
    if (waiting >= MAX_RETRIES_WAITING.partition || ofThisEndpoint >= MAX_RETRIES_WAITING.endpoint) return undefined
    waiting++
    waitingFor.set(subscriptionId, ofThisEndpoint + 1)
    try {
      return await endpoint.enter(ended)
    } finally {
      waiting--
      const others = (waitingFor.get(subscriptionId) ?? 1) - 1
      if (others === 0) waitingFor.delete(subscriptionId)
      else waitingFor.set(subscriptionId, others)
    }
  }

  async function holdOrGiveUp(due: DueRetry, holdMs: () => number): Promise<RetryVerdict> {
    const { messageId, subscriptionId, scheduledAt } = due
    const oldestMs = LONGEST_POLICY_SECONDS * o.retrySecondMs + o.maxAgeMs
    if (!(o.clock.now() - scheduledAt > oldestMs)) return { kind: 'hold', delayMs: holdMs() }
    return guarded(due, async () => {
      const wait = await waitOf(due)
      if (wait === 'held') return HELD
      if (!(o.clock.now() - wait.since > oldestMs)) return { kind: 'hold', delayMs: holdMs() }
      const verdict = await settle(due)
      o.metrics.failed(wait.topicArn)
      o.metrics.backlogExpired()
      o.log.warn('retry.expired', { messageId, subscriptionId })
      return verdict
    })
  }

  /** @returns since when it has waited for nothing but room; time in which it waited for a key does not count */
  async function waitOf({ messageId, subscriptionId, scheduledAt }: DueRetry) {
    const body = await lease.readBody(messageId)
    const state = body?.open.get(subscriptionId)
    if (state?.held === true) return 'held'
    return {
      since: Math.max(scheduledAt, state?.resumedAt ?? 0),
      topicArn: body === undefined ? undefined : topicOf(body),
    }
  }

  /** @returns undefined of a confirmation, and where the record is not genuine: what is given up is looked at no further */
  function topicOf({ fields }: BodyRecord): string | undefined {
    try {
      const { kind, topicArn } = decodeEntry(fields, o.recordMac)
      return kind === 'message' ? topicArn : undefined
    } catch {
      return undefined
    }
  }

  async function retryWith(permit: Permit, due: DueRetry): Promise<RetryVerdict> {
    let served: Served = 'untried'
    const onServed = (one: Served) => {
      served = one
    }
    try {
      return await guarded(due, () => retry(due, onServed))
    } finally {
      permit.leave(served)
    }
  }

  async function guarded(due: DueRetry, work: () => Promise<RetryVerdict>): Promise<RetryVerdict> {
    try {
      return await work()
    } catch (error) {
      if (left.aborted) return ABANDON
      if (error instanceof LeaseLostError) {
        o.onLeaseLost()
        return ABANDON
      }
      if (isTampering(error) || decideError(error).reason === 'UNEXPECTED') {
        reportFailure(o, 'retry.failed', { messageId: due.messageId }, error)
      }
      return HOLD
    }
  }

  async function settle({ messageId, subscriptionId }: DueRetry): Promise<RetryVerdict> {
    await keepTrying(() => lease.settleSubscription(messageId, subscriptionId), left)
    return DONE
  }

  async function retry(due: DueRetry, onServed: (served: Served) => void): Promise<RetryVerdict> {
    const { messageId, subscriptionId, retriesMade } = due
    const reopened = await o.reopen(messageId, subscriptionId)
    switch (reopened.kind) {
      case 'absent':
      case 'refused':
        return DONE
      case 'dropped':
        return settle(due)
      case 'hold':
        return HOLD
      case 'held':
        return HELD
      case 'ready': {
        const { entry, recipient, outgoing, state } = reopened
        const waitMs = await o.admit(entry, recipient)
        if (waitMs > 0) return holdOrGiveUp(due, () => Math.max(waitMs, o.endpoints.of(subscriptionId).holdMs()))
        if (ended.aborted) return ABANDON
        const attempt = state.attemptsMade + retriesMade + 1
        const { decision, served }: Attempted = await o.attemptDelivery({ entry, recipient, outgoing, attempt })
        onServed(served)
        if (decision.kind !== 'retry') return settle(due)
        const delayMs = applyJitter(decision.delaySeconds * o.retrySecondMs, o.random())
        return { kind: 'retry', delayMs, reason: decision.reason }
      }
    }
  }
}
