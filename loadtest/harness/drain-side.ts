/**
 * Delivery as fast as it goes: streams are filled while the worker stands still, then it is let go, and the endpoint
 * says how long it took from the first message to the last.
 *
 * Stopped by SIGSTOP, for less than its lease lasts: a worker that has just started would be measured warming up.
 */

import type { Publisher } from '../processes/publisher.ts'
import type { BenchStack } from './bench-stack.ts'
import type { BenchEndpoint } from './endpoint.ts'
import type { Helper } from './helper.ts'
import { startMeter } from './process-usage.ts'
import type { Side } from './rounds.ts'

/** Longer than filling takes. */
export const DRAIN_ENV = { SEALCAST_LEASE_MS: '120000' }
const DRAINED_WITHIN_MS = 60_000

export function drainSide(o: {
  name: string
  broker: BenchStack
  endpoint: BenchEndpoint
  publisher: Helper<Publisher>
  topicArns: readonly string[]
  messages: number
  raw: boolean
}): Side {
  const { broker, endpoint, messages } = o
  const lanes = o.topicArns.map((topicArn) => ({ topicArn, signer: broker.signer }))
  return {
    name: o.name,
    async run() {
      await broker.settled()
      await endpoint.helper.call('reset', {})
      broker.pauseWorkers()
      const refused = await o.publisher.call('fill', { lanes, count: messages })
      const backlog = await broker.backlog()
      const meter = startMeter([...broker.pids(), ['endpoint', endpoint.helper.pid]])
      broker.resumeWorkers()
      const arrived = await endpoint.helper.call('arrivals', {
        count: messages,
        timeoutMs: DRAINED_WITHIN_MS,
        withTimes: false,
      })
      const usages = meter.stop()
      await broker.settled()
      const problems: string[] = []
      if (refused > 0) problems.push(`${refused} messages were not accepted`)
      if (backlog !== messages) problems.push(`${messages} messages were to wait, ${backlog} did`)
      if (arrived.distinct !== messages) problems.push(`${messages} messages were sent, ${arrived.distinct} came`)
      if (arrived.deliveries !== arrived.distinct) {
        problems.push(`${arrived.deliveries - arrived.distinct} came more than once`)
      }
      const wantedRaw = o.raw ? arrived.deliveries : 0
      if (arrived.raw !== wantedRaw) problems.push(`${arrived.raw} of ${arrived.deliveries} came raw`)
      return {
        perSecond: arrived.distinct / arrived.seconds,
        usages,
        remarks: [`${arrived.distinct} messages in ${arrived.seconds.toFixed(2)} s`],
        problems,
      }
    },
  }
}
