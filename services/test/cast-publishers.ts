/** Publishers of two sealed topics with a subscriber, as in the example of SNS's encryption guide. */

import assert from 'node:assert/strict'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SNSClient } from '@aws-sdk/client-sns'
import { ADMINISTRATOR_ACCESS, addPrincipal } from '#shared/principals'
import { difference, type PairRequests, readKmsLog, sumOf } from './kms-requests.ts'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readMetrics,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import type { StartedService } from './start-service.ts'
import type { Stack } from './start-stack.ts'
import type { TestSubscriber } from './test-subscriber.ts'

/** Of the two topics. */
export const PUBLISHERS = [3, 5] as const
export const PAIRS = 8
export const NO_REQUESTS: PairRequests = { GenerateDataKey: 0, Decrypt: 0 }
/** Of each gateway; opening thousands at once would take longer than answering on them. */
export const CONNECTIONS = 250

export interface Pair {
  /** `<topic ARN> <publisher's ARN>`. */
  name: string
  /** @param gateway 0: the stack's own; by number of those given */
  publish(gateway?: number): Promise<string>
  /** To a topic of its own that is not sealed. */
  publishInClear(gateway?: number): Promise<string>
}

export interface Cast extends AsyncDisposable {
  pairs: readonly Pair[]
  /** A publisher more, of both topics. */
  idle: readonly Pair[]
  topicArns: readonly string[]
  admin: SNSClient
  /** Waits until so many messages more have come, and nothing is left to do. */
  untilDelivered(messages: number): Promise<void>
}

/** @param gateways beside the stack's own */
export async function castPublishers(stack: Stack, gateways: readonly StartedService[] = []): Promise<Cast> {
  trustStack(stack)
  const admin = snsClient(stack)
  const kms = kmsClient(stack)
  const keyArn = await createKey(kms)
  kms.destroy()
  const topicArns = await Promise.all(PUBLISHERS.map(() => createTopic(admin, { KmsMasterKeyId: keyArn })))
  const subscriber = await subscribeAndConfirm(stack, { sns: admin, topicArns })
  const clear = await createTopic(admin)
  const clients: SNSClient[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ca: stack.ca })
  const publisherOf = async (name: string) => {
    const principal = await addPrincipal(join(stack.home, 'principals.json'), {
      arn: `arn:aws:iam::000000000000:user/${name}`,
      policies: ADMINISTRATOR_ACCESS,
    })
    const own = [stack, ...gateways].map(({ clientConfig }) => {
      const requestHandler = { httpsAgent: agent, connectionTimeout: 20_000, requestTimeout: 30_000 }
      const client = new SNSClient({ ...clientConfig, credentials: principal, requestHandler })
      clients.push(client)
      return client
    })
    for (const client of own) await untilKnown(client, clear)
    return {
      arn: principal.arn,
      publish: (topicArn: string, gateway = 0) => publish(own[gateway] ?? admin, topicArn, 'steady'),
      publishInClear: (gateway = 0) => publish(own[gateway] ?? admin, clear, 'clear'),
    }
  }
  const publishers = await Promise.all(['a', 'b', 'c', 'd', 'e', 'idle'].map(publisherOf))
  const pairsOf = (topic: number, some: typeof publishers): Pair[] =>
    some.map(({ arn, publish: publishTo, publishInClear }) => ({
      name: `${topicArns[topic]} ${arn}`,
      publishInClear,
      publish: (gateway) => publishTo(topicArns[topic] ?? '', gateway),
    }))
  let seen = 0
  return {
    pairs: PUBLISHERS.flatMap((count, topic) => pairsOf(topic, publishers.slice(0, count))),
    idle: [0, 1].flatMap((topic) => pairsOf(topic, publishers.slice(-1))),
    topicArns,
    admin,
    async untilDelivered(messages) {
      seen += messages
      await subscriber.until((received) => notificationsIn(received) >= seen, 60_000)
      await untilFinished(stack, 30_000)
    },
    async [Symbol.asyncDispose]() {
      for (const client of [admin, ...clients]) client.destroy()
      agent.destroy()
      await subscriber[Symbol.asyncDispose]()
    },
  }
}

/** @returns publishes a message of each pair, waits for them, and tells what requests that took */
export async function countingPublishes(
  stack: Stack,
  cast: Cast,
  pairs: readonly Pair[],
): Promise<() => Promise<PairRequests>> {
  let log = await readKmsLog(stack)
  return async () => {
    await Promise.all(pairs.map((pair) => pair.publish()))
    await cast.untilDelivered(pairs.length)
    const next = await readKmsLog(stack)
    const { GenerateDataKey, Decrypt } = sumOf(difference(next, log))
    log = next
    return { GenerateDataKey, Decrypt }
  }
}

/** @param each partitions of each worker of the stack; an even share of all unless told */
export async function untilBalanced(stack: Stack, workers: number, each = 16 / workers): Promise<void> {
  const deadline = performance.now() + 30_000
  for (;;) {
    const pages = await readMetrics(stack)
    const owned = pages.flatMap((page) => /^sealcast_partitions_owned (\d+)$/m.exec(page)?.[1] ?? []).map(Number)
    if (owned.length === workers && owned.every((count) => count === each)) return
    assert.ok(performance.now() < deadline, `partitions owned: ${owned}`)
    await sleep(100)
  }
}

function notificationsIn(received: TestSubscriber['received']): number {
  return received.filter(({ json }) => json.Type === 'Notification').length
}

/** Gateways read a new principal within a second. */
async function untilKnown(client: SNSClient, topicArn: string): Promise<void> {
  const deadline = performance.now() + 10_000
  for (;;) {
    try {
      await publish(client, topicArn, 'known')
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(100)
    }
  }
}
