/**
 * Gives every publisher a connection to every gateway.
 *
 * Gateways share one port, and which of them gets a connection is the kernel's choice. So connections are opened until
 * each gateway has answered on one, which the gateways' own counters tell; those to a gateway that has enough are closed.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Helper, startHelper } from '../harness/helper.ts'
import type { KmsPublishers } from '../processes/kms-publishers.ts'
import type { KmsBroker } from './broker.ts'
import { sumOf } from './metrics-page.ts'

/** What one connection carries without queueing, in messages a second: an answer takes some milliseconds. */
const PER_CONNECTION = 100
/** With 32 gateways a missing one is found within this, but for one publisher in a million. */
const MOST_CONNECTIONS = 1_000
const COUNTED_WITHIN_MS = 5_000

export async function connectPublishers(
  broker: KmsBroker,
  { gateways, rate }: { gateways: number; rate: number },
): Promise<{ publishers: Helper<KmsPublishers>; connections: number; tried: number }> {
  const publishers = await startHelper<KmsPublishers>('kms-publishers')
  try {
    await publishers.call('open', {
      url: broker.stack.clientConfig.endpoint,
      ca: broker.stack.ca,
      lanes: broker.publishers.map(({ topicArn, signer }) => ({ topicArn, signer })),
    })
    const each = Math.ceil(rate / gateways / PER_CONNECTION)
    let tried = 0
    let answered = await answeredBy(broker)
    for (const lane of broker.publishers.keys()) {
      const byGateway: number[][] = Array.from({ length: gateways }, () => [])
      for (let n = 0; byGateway.some((own) => own.length < each); n++) {
        if (n === MOST_CONNECTIONS) throw new Error(`No gateway more was met by ${n} connections`)
        const connection = await publishers.call('connect', { lane })
        tried++
        const before = answered
        answered = await untilCounted(broker, before)
        const own = byGateway[gatewayBetween(before, answered)]
        if (own !== undefined && own.length < each) own.push(connection)
      }
      await publishers.call('keep', { lane, byGateway })
    }
    return { publishers, connections: each * gateways * broker.publishers.length, tried }
  } catch (error) {
    await publishers[Symbol.asyncDispose]()
    throw error
  }
}

/** @returns the number of the one gateway that answered. @throws when it was not exactly one */
export function gatewayBetween(before: readonly number[], after: readonly number[]): number {
  const met = after.flatMap((count, at) => (count > (before[at] ?? 0) ? [at] : []))
  const [gateway] = met
  if (gateway === undefined || met.length > 1) throw new Error(`Cannot tell which gateway answered: ${met.length} did`)
  return gateway
}

/** GetCallerIdentity by each gateway, answered with an error too: a user who is not known yet meets the same gateway. */
async function answeredBy(broker: KmsBroker): Promise<number[]> {
  const { gateways } = await broker.pages()
  return gateways.map((page) =>
    sumOf(page, 'sealcast_api_requests_total', ({ action }) => action === 'GetCallerIdentity'),
  )
}

/** A request is counted after its answer is written. */
async function untilCounted(broker: KmsBroker, before: readonly number[]): Promise<number[]> {
  const deadline = performance.now() + COUNTED_WITHIN_MS
  for (;;) {
    const now = await answeredBy(broker)
    if (now.some((count, at) => count > (before[at] ?? 0))) return now
    if (performance.now() > deadline) throw new Error('No gateway counted a request that was answered')
    await sleep(10)
  }
}
