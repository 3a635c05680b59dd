/** What the delivery rows need: a publisher, and topics with one subscriber each. */

import { type BenchStack, readCa } from '../harness/bench-stack.ts'
import type { BenchEndpoint } from '../harness/endpoint.ts'
import { type Helper, startHelper } from '../harness/helper.ts'
import type { Publisher } from '../processes/publisher.ts'

/** Spread over the worker's partitions, as the topics of a real broker are. */
const TOPICS = 8
const CONNECTIONS = 64

export async function openPublisher(broker: BenchStack): Promise<Helper<Publisher>> {
  const publisher = await startHelper<Publisher>('publisher')
  await publisher.call('open', { url: broker.url, ca: readCa(broker.stack), connections: CONNECTIONS })
  return publisher
}

/** @returns ARNs of sealed topics with one confirmed subscriber each */
export async function subscribedTopics(o: {
  broker: BenchStack
  endpoint: BenchEndpoint
  raw?: boolean
  count?: number
}): Promise<string[]> {
  const topicArns: string[] = []
  for (let index = 0; index < (o.count ?? TOPICS); index++) {
    const topicArn = await o.broker.createTopic({ name: `delivered-${index}`, sealed: true })
    await o.broker.subscribe({ topicArn, endpoint: o.endpoint, raw: o.raw ?? false })
    topicArns.push(topicArn)
  }
  return topicArns
}
