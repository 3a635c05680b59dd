/**
 * The last question before an attempt: whether a rate allows it now.
 *
 * A subscription's throttle policy holds over all workers, so its count lies in Redis. Confirmations go to
 * endpoints that never asked for them, so each origin gets few of them, counted in this process.
 */

import type { Entry } from '#shared/stream-log'
import type { Recipient } from './recipients.ts'

/** @returns 0 when the attempt may be made, else after how many ms to ask again */
export type Admit = (entry: Entry, recipient: Recipient) => number | Promise<number>

export interface SubscriptionRate {
  /** @returns 0 when one more delivery is within the rate, which counts it; else ms until one may be */
  take(o: { topicArn: string; subscriptionId: string; perSecond: number }): Promise<number>
}

export interface ConfirmationRate {
  /** Counts one more confirmation to an origin, if the rate allows it. */
  tryTake(origin: string): boolean
  /** When it may be asked again. */
  waitMs(origin: string): number
}

/** Over so long those are spread who wait for one origin: a place comes free every 20 ms, and thousands may want it. */
const CONFIRMATION_SPREAD_MS = 1_000

export function createAdmit({
  subscriptionRate,
  confirmationRate,
  random,
}: {
  subscriptionRate: SubscriptionRate
  confirmationRate: ConfirmationRate
  random: () => number
}): Admit {
  return (entry, { subscription, target, terms }) => {
    if (entry.kind === 'confirmation') {
      const origin = target?.origin ?? ''
      if (confirmationRate.tryTake(origin)) return 0
      // At least one, as the rate may have room again since it said no.
      return Math.max(1, confirmationRate.waitMs(origin)) + Math.floor(random() * CONFIRMATION_SPREAD_MS)
    }
    if (terms.maxReceivesPerSecond === undefined) return 0
    return subscriptionRate.take({
      topicArn: entry.topicArn,
      subscriptionId: subscription.id,
      perSecond: terms.maxReceivesPerSecond,
    })
  }
}
