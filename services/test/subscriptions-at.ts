/** Subscriptions as a test wants them, at an endpoint that runs already; and what the workers say they tried. */

import { SetSubscriptionAttributesCommand, type SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { readLog } from './read-log.ts'
import type { Stack } from './start-stack.ts'
import type { ReceivedRequest, TestSubscriber } from './test-subscriber.ts'

/**
 * Subscribes an endpoint and confirms it by visiting the SubscribeURL. One at a time for each topic and subscriber.
 *
 * @param query distinguishes several subscriptions of one subscriber to one topic
 * @returns the subscription's ARN
 */
export async function subscribeAt(
  subscriber: TestSubscriber,
  o: { sns: SNSClient; topicArn: string; query?: string; attributes?: Record<string, string> },
): Promise<string> {
  const confirmations = (received: readonly ReceivedRequest[]) =>
    received.filter(({ json }) => json.Type === 'SubscriptionConfirmation' && json.TopicArn === o.topicArn)
  const before = confirmations(subscriber.received).length
  const { SubscriptionArn: arn = '' } = await o.sns.send(
    new SubscribeCommand({
      TopicArn: o.topicArn,
      Protocol: new URL(subscriber.url).protocol.slice(0, -1),
      Endpoint: o.query === undefined ? subscriber.url : `${subscriber.url}?${o.query}`,
      Attributes: o.attributes ?? {},
      ReturnSubscriptionArn: true,
    }),
  )
  await subscriber.until((received) => confirmations(received).length > before, 30_000)
  const visited = await fetch(confirmations(subscriber.received).at(-1)?.json.SubscribeURL ?? '')
  if (visited.status !== 200) throw new Error(`The SubscribeURL answered ${visited.status}`)
  return arn
}

export async function setAttribute(
  sns: SNSClient,
  { arn, name, value }: { arn: string; name: string; value: string | object },
): Promise<void> {
  await sns.send(
    new SetSubscriptionAttributesCommand({
      SubscriptionArn: arn,
      AttributeName: name,
      AttributeValue: typeof value === 'string' ? value : JSON.stringify(value),
    }),
  )
}

/** What a subscription was sent, other than confirmations. @param arn the subscription's */
export function deliveriesTo({ received }: TestSubscriber, arn: string): ReceivedRequest[] {
  return received.filter(
    ({ headers }) =>
      headers['x-amz-sns-subscription-arn'] === arn && headers['x-amz-sns-message-type'] === 'Notification',
  )
}

/** An attempt at a notification, by the worker's own log and clock. */
export interface LoggedAttempt {
  messageId: string
  subscriptionArn: string
  attempt: number
  outcome: 'delivered' | 'retry' | 'failed'
  reason: string | undefined
  /** Epoch ms. */
  startedAt: number
  endedAt: number
}

/** Of the stack's worker, in order. */
export function loggedAttempts(stack: Stack): LoggedAttempt[] {
  const attempts = deliveryLog(stack, 'delivery.attempted').filter(({ kind }) => kind === 'notification')
  return attempts.map((line) => {
    const endedAt = Date.parse(String(line.time))
    return {
      messageId: String(line.messageId),
      subscriptionArn: `${line.topicArn}:${line.subscriptionId}`,
      attempt: Number(line.attempt),
      outcome: line.outcome as LoggedAttempt['outcome'],
      reason: line.reason === undefined ? undefined : String(line.reason),
      startedAt: endedAt - Number(line.durationMs),
      endedAt,
    }
  })
}

/** Lines of one event. */
export function deliveryLog(stack: Stack, event: string): Record<string, unknown>[] {
  return readLog(stack, 'delivery')
    .filter((line) => line.includes(`"${event}"`))
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter((line) => line.event === event)
}
