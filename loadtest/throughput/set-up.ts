/** The topics, publisher principals and confirmed subscriptions of a run. */

import { join } from 'node:path'
import { ConfirmSubscriptionCommand, GetTopicAttributesCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { ADMINISTRATOR_ACCESS, addPrincipal } from '#shared/principals'
import { until } from '../../services/test/until.ts'
import type { BenchStack } from '../harness/bench-stack.ts'
import { type Helper, startHelper } from '../harness/helper.ts'
import type { LoadSubscriber } from '../processes/load-subscriber.ts'
import type { Lane } from './publish-request.ts'

export interface Subscription {
  /** Index of its topic. */
  readonly topic: number
  /** Unlike that of any other subscription. */
  readonly path: string
}

export interface Subscribers extends AsyncDisposable {
  readonly helpers: readonly Helper<LoadSubscriber>[]
  readonly subscriptions: readonly Subscription[]
}

const ACCOUNT = '000000000000'
const AT_ONCE = 8

/** @returns ARNs */
export async function createTopics(broker: BenchStack, o: { topics: number; sealed: boolean }): Promise<string[]> {
  const arns: string[] = []
  await inTurn(range(o.topics), async (index) => {
    arns[index] = await broker.createTopic({ name: `loadtest-${index}`, sealed: o.sealed })
  })
  return arns
}

/** @returns a lane for each publisher and topic; that of number n publishes to topic n modulo the topics */
export async function createLanes(
  broker: BenchStack,
  topicArns: readonly string[],
  publishers: number,
): Promise<Lane[]> {
  const signers: Lane['signer'][] = []
  // One after the other: each changes the principals file.
  for (const index of range(publishers)) {
    const { accessKeyId, secretAccessKey } = await addPrincipal(join(broker.stack.home, 'principals.json'), {
      arn: `arn:aws:iam::${ACCOUNT}:user/load-publisher-${index}`,
      policies: ADMINISTRATOR_ACCESS,
    })
    signers.push({ ...broker.signer, accessKeyId, secretAccessKey })
  }
  await inTurn(signers, (signer) => untilKnown(broker, signer, topicArns[0] ?? ''))
  return signers.flatMap((signer) => topicArns.map((topicArn) => ({ topicArn, signer })))
}

/** Each gateway reads the principals file in its own time, and each connection may meet another one. */
async function untilKnown(broker: BenchStack, credentials: Lane['signer'], topicArn: string): Promise<void> {
  // Not destroyed: its agent is that of the stack.
  const sns = new SNSClient({ ...broker.stack.clientConfig, credentials })
  const enough = 3 * broker.pids().filter(([name]) => name === 'gateway').length
  let inARow = 0
  await until('publishers are known', async () => {
    const isKnown = await sns.send(new GetTopicAttributesCommand({ TopicArn: topicArn })).then(
      () => true,
      () => false,
    )
    inARow = isKnown ? inARow + 1 : 0
    return inARow >= enough
  })
}

/** @param topicArns each gets `subscriptions` of them, spread over the processes in turn */
export async function startSubscribers(
  broker: BenchStack,
  topicArns: readonly string[],
  o: { subscriptions: number; endpoints: number; raw: boolean },
): Promise<Subscribers> {
  await using undo = new AsyncDisposableStack()
  const started: { helper: Helper<LoadSubscriber>; port: number }[] = []
  for (const _ of range(o.endpoints)) {
    const helper = undo.use(await startHelper<LoadSubscriber>('load-subscriber'))
    started.push({ helper, port: await helper.call('listen', {}) })
  }
  const wanted = topicArns.flatMap((topicArn, topic) =>
    range(o.subscriptions).map((index) => ({ topicArn, topic, path: `/${topic}/${index}` })),
  )
  const attributes = o.raw ? { Attributes: { RawMessageDelivery: 'true' } } : {}
  await inTurn(wanted, async ({ topicArn, path }, at) => {
    const endpoint = started[at % started.length]
    if (endpoint === undefined) return
    const url = `http://127.0.0.1:${endpoint.port}${path}`
    await broker.sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'http', Endpoint: url, ...attributes }))
    const token = await endpoint.helper.call('takeToken', { path })
    await broker.sns.send(new ConfirmSubscriptionCommand({ TopicArn: topicArn, Token: token }))
  })
  const owned = undo.move()
  return {
    helpers: started.map(({ helper }) => helper),
    subscriptions: wanted,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A few at a time, so that nothing is refused for being too much at once. */
async function inTurn<T>(items: readonly T[], work: (item: T, at: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async () => {
    for (let at = next++; at < items.length; at = next++) await work(items[at] as T, at)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
