/**
 * One due retry: permit → reopen → rate → attempt → verdict.
 *
 * The verdict counts only what was tried: an endpoint without room, a KMS key, a topic record or a Redis
 * that is not usable holds the job without consuming an attempt. Everything final removes the subscription
 * from the body record first, fenced by the lease; the last one removes the record, and the job is gone
 * after it.
 *
 * A few retries of an endpoint without room wait for their turn; the others come again later, at the pace
 * of the endpoint, so that one endpoint's retries do not take the places of all others'.
 */

import type { Log } from '#shared/log'
import { applyJitter, type DueRetry, type RetryVerdict } from '#shared/retry-schedule'
import { LeaseLostError, type PartitionLease } from '#shared/stream-log'
import type { Admit } from './admit.ts'
import type { AttemptDelivery, Attempted } from './attempt.ts'
import { decideError } from './decide-settlement.ts'
import type { Permit, Served } from './endpoints/endpoint.ts'
import type { Endpoints } from './endpoints/endpoints.ts'
import { keepTrying } from './keep-trying.ts'
import { leaveSignal } from './leave-signal.ts'
import { MAX_RETRIES_WAITING, RETRY_HOLD_MS } from './limits.ts'
import type { DeliveryMetrics } from './metrics.ts'
import type { Reopen } from './reopen.ts'
import { isTampering, reportFailure } from './report-failure.ts'

export interface RetryDependencies {
  admit: Admit
  attemptDelivery: AttemptDelivery
  endpoints: Endpoints
  /** Length of one second of a retry policy. */
  retrySecondMs: number
  random: () => number
  log: Log
  metrics: DeliveryMetrics
}

const HOLD: RetryVerdict = { kind: 'hold', delayMs: RETRY_HOLD_MS }
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
    lease: Pick<PartitionLease, 'settleSubscription'>
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

  return async (due) => {
    const permit = await enter(due.subscriptionId)
    if (ended.aborted) {
      permit?.leave('untried')
      return ABANDON
    }
    if (permit === undefined) return { kind: 'hold', delayMs: o.endpoints.of(due.subscriptionId).holdMs() }
    // An attempt may take fifteen seconds; whoever takes the partition over need not wait for it.
    return Promise.race([retryWith(permit, due), whenLeft])
  }

  async function enter(subscriptionId: string): Promise<Permit | undefined> {
    const endpoint = o.endpoints.of(subscriptionId)
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

  async function retryWith(permit: Permit, due: DueRetry): Promise<RetryVerdict> {
    let served: Served = 'untried'
    const onServed = (one: Served) => {
      served = one
    }
    try {
      return await retry(due, onServed)
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
    } finally {
      permit.leave(served)
    }
  }

  async function retry(
    { messageId, subscriptionId, retriesMade }: DueRetry,
    onServed: (served: Served) => void,
  ): Promise<RetryVerdict> {
    const settle = async (): Promise<RetryVerdict> => {
      await keepTrying(() => lease.settleSubscription(messageId, subscriptionId), left)
      return DONE
    }
    const reopened = await o.reopen(messageId, subscriptionId)
    switch (reopened.kind) {
      case 'absent':
      case 'refused':
        return DONE
      case 'dropped':
        return settle()
      case 'hold':
        return HOLD
      case 'ready': {
        const { entry, recipient, outgoing, state } = reopened
        const waitMs = await o.admit(entry, recipient)
        if (waitMs > 0) return { kind: 'hold', delayMs: Math.max(waitMs, o.endpoints.of(subscriptionId).holdMs()) }
        if (ended.aborted) return ABANDON
        const attempt = state.attemptsMade + retriesMade + 1
        const { decision, served }: Attempted = await o.attemptDelivery({ entry, recipient, outgoing, attempt })
        onServed(served)
        if (decision.kind !== 'retry') return settle()
        const delayMs = applyJitter(decision.delaySeconds * o.retrySecondMs, o.random())
        return { kind: 'retry', delayMs, reason: decision.reason }
      }
    }
  }
}
