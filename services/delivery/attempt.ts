/**
 * One delivery attempt to one subscription: send, classify, decide, count, and write its line.
 *
 * The line names ids, host, outcome and durations; never a body, a URL (it may carry credentials or
 * secrets in its path), a signature or a token.
 */

import type { Clock } from '#shared/clock'
import type { Log } from '#shared/log'
import type { Entry } from '#shared/stream-log'
import { type AttemptResult, classifyOutcome } from './classify-outcome.ts'
import type { Outgoing } from './compose.ts'
import { type AttemptDecision, decideAttempt } from './decide-settlement.ts'
import type { DeliveryMetrics } from './metrics.ts'
import type { HttpSender } from './protocols/https.ts'
import type { Recipient } from './recipients.ts'

export type AttemptDelivery = (o: {
  entry: Entry
  recipient: Recipient
  outgoing: Outgoing
  /** 1 for the first. */
  attempt: number
}) => Promise<AttemptDecision>

/** @param delays seconds before each retry of the policy in force */
export function createAttemptDelivery({
  http,
  delays,
  clock,
  log,
  metrics,
}: {
  http: Pick<HttpSender, 'post'>
  delays: readonly number[]
  clock: Clock
  log: Log
  metrics: DeliveryMetrics
}): AttemptDelivery {
  const send = (recipient: Recipient, outgoing: Outgoing): Promise<AttemptResult> =>
    recipient.target === undefined
      ? Promise.resolve({ kind: 'unsendable', code: 'ENDPOINT_INVALID' })
      : http.post({ target: recipient.target, ...outgoing(recipient) })

  return async ({ entry, recipient, outgoing, attempt }) => {
    const startedAt = clock.now()
    const result = await send(recipient, outgoing)
    const endedAt = clock.now()
    const decision = decideAttempt(classifyOutcome(result), { attempt, delays })

    const { subscription, target } = recipient
    const durationMs = endedAt - startedAt
    metrics.attempted({ protocol: subscription.protocol, decision: decision.kind, seconds: durationMs / 1000 })
    if (decision.kind === 'delivered' && entry.kind === 'message') {
      metrics.delivered((endedAt - entry.acceptedAt) / 1000)
    }
    if (decision.kind === 'failed') metrics.failed()
    const line = decision.kind === 'failed' ? log.warn : log.info
    line('delivery.attempted', {
      topicArn: entry.topicArn,
      messageId: entry.messageId,
      subscriptionId: subscription.id,
      kind: entry.confirmation?.purpose ?? 'notification',
      protocol: subscription.protocol,
      endpointHost: target?.host,
      attempt,
      outcome: decision.kind,
      reason: decision.kind === 'delivered' ? undefined : decision.reason,
      statusCode: result.kind === 'answered' ? result.statusCode : undefined,
      durationMs,
      dwellMs: endedAt - entry.acceptedAt,
    })
    return decision
  }
}
