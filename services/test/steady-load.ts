/**
 * Publishes at a steady rate with the SDK, as an application would: its own retries, its own pool of connections. And
 * measures what arrives.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns'
import type { TestSubscriber } from './test-subscriber.ts'

export interface SteadyLoad {
  /** Ends it, and waits for the answers that are still due. */
  stop(): Promise<LoadResult>
}

export interface LoadResult {
  /** Message ids that publishers were given. */
  readonly acknowledged: readonly string[]
  /** Names of the errors that publishers met after the SDK's last attempt. */
  readonly errors: readonly string[]
  /** Publishes that succeeded only at the second attempt or later. */
  readonly retried: number
  /** Longest time from a publish to its answer, the SDK's retries included. */
  readonly longestPublishMs: number
}

const TICK_MS = 25

export function startSteadyLoad({
  sns,
  topicArns,
  perSecond,
}: {
  sns: SNSClient
  /** Taken in turn. */
  topicArns: readonly string[]
  perSecond: number
}): SteadyLoad {
  const acknowledged: string[] = []
  const errors: string[] = []
  const underWay = new Set<Promise<void>>()
  let retried = 0
  let longestPublishMs = 0
  let stopped = false

  const publishOne = async (n: number): Promise<void> => {
    const startedAt = performance.now()
    try {
      const command = new PublishCommand({ TopicArn: topicArns[n % topicArns.length], Message: `message ${n}` })
      const { MessageId: id = '', $metadata } = await sns.send(command)
      acknowledged.push(id)
      if (($metadata.attempts ?? 1) > 1) retried++
    } catch (error) {
      errors.push(error instanceof Error ? `${error.name}: ${error.message}` : 'unknown')
    }
    longestPublishMs = Math.max(longestPublishMs, performance.now() - startedAt)
  }
  const running = (async () => {
    const startedAt = performance.now()
    for (let sent = 0; !stopped; await sleep(TICK_MS)) {
      const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond)
      for (; sent < due; sent++) {
        const one: Promise<void> = publishOne(sent).finally(() => underWay.delete(one))
        underWay.add(one)
      }
    }
  })()
  return {
    async stop() {
      stopped = true
      await running
      await Promise.all(underWay)
      return { acknowledged, errors, retried, longestPublishMs }
    },
  }
}

export interface Arrivals {
  /** Ids of messages delivered so far. */
  readonly messageIds: ReadonlySet<string>
  /** Deliveries of messages that had been delivered before. */
  readonly duplicates: number
  /** Longest time between two deliveries of one topic. */
  longestGapMs(): number
}

/** Watches what a subscriber gets from now on; replaces its `answer` with 200. */
export function watchArrivals(subscriber: TestSubscriber): Arrivals {
  const messageIds = new Set<string>()
  const lastAt = new Map<string | undefined, number>()
  let duplicates = 0
  let longestGapMs = 0
  subscriber.answer = ({ json }, response) => {
    response.writeHead(200).end()
    if (json.Type !== 'Notification') return
    const now = performance.now()
    longestGapMs = Math.max(longestGapMs, now - (lastAt.get(json.TopicArn) ?? now))
    lastAt.set(json.TopicArn, now)
    if (messageIds.has(json.MessageId ?? '')) duplicates++
    messageIds.add(json.MessageId ?? '')
  }
  return {
    messageIds,
    get duplicates() {
      return duplicates
    },
    longestGapMs: () => longestGapMs,
  }
}
