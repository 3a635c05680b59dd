/**
 * The rate of deliveries to one subscription, over all workers (`maxReceivesPerSecond`).
 *
 * A tenth of the rate may go at once, so that a worker need not wake for each of thousands; the pace between
 * is lower by as much, so that no second ever sees more than the rate.
 */

import { defineScript, type Redis, redisCall } from '#shared/redis'

export interface SubscriptionRate {
  /**
   * @param o.perSecond a whole number from 1
   * @returns 0 when the delivery is counted and may be made, else after how many ms to ask again
   */
  take(o: { topicArn: string; subscriptionId: string; perSecond: number }): Promise<number>
}

const script = defineScript(new URL('./take.lua', import.meta.url))

export function createSubscriptionRate({ redis }: { redis: Redis }): SubscriptionRate {
  return {
    async take({ topicArn, subscriptionId, perSecond }) {
      const atOnce = Math.max(1, Math.floor(perSecond / 10))
      const intervalUs = 1_000_000 / (perSecond - (atOnce - 1))
      const key = `sealcast:{t:${topicArn}}:throttle:${subscriptionId}`
      const reply = await redisCall(redis, () => script.run(redis, [key], [intervalUs, atOnce]), { writes: true })
      return Math.ceil(Number(reply) / 1000)
    },
  }
}
