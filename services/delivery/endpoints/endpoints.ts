/**
 * The endpoints of this process by subscription: made when first asked for, forgotten when there are many of
 * them. Those that are like new go first, then those asked for longest ago: an endpoint that failed and was
 * unsubscribed is never asked for again, so being healthy must not be what it takes to be forgotten.
 */

import type { Clock } from '#shared/clock'
import { MAX_ATTEMPTS_UNDER_WAY, MAX_ENDPOINTS_REMEMBERED } from '../limits.ts'
import type { DeliveryMetrics } from '../metrics.ts'
import { type AttemptCount, createEndpoint, type Endpoint } from './endpoint.ts'

export interface Endpoints {
  of(subscriptionId: string): Endpoint
  /** How many there are of which nothing comes back at present; those that nothing is sent to any more are forgotten. */
  countUnhealthy(): number
}

export function createEndpoints({
  clock,
  retrySecondMs,
  capacity = MAX_ENDPOINTS_REMEMBERED,
}: {
  clock: Clock
  retrySecondMs: number
  capacity?: number
}): Endpoints {
  const attempts: AttemptCount = { underWay: 0, capacity: MAX_ATTEMPTS_UNDER_WAY }
  /** In order of use, oldest first. */
  const endpoints = new Map<string, Endpoint>()
  let forgetAt = capacity

  /** Down to half of the capacity, if as many are not in use: a look at all of them must be worth its while. */
  const forget = () => {
    for (const [id, endpoint] of endpoints) if (endpoint.isIdle) endpoints.delete(id)
    for (const [id, endpoint] of endpoints) {
      if (endpoints.size <= capacity / 2) break
      if (!endpoint.isInUse) endpoints.delete(id)
    }
    forgetAt = Math.max(capacity, endpoints.size + capacity / 2)
  }

  return {
    of(subscriptionId) {
      const known = endpoints.get(subscriptionId)
      if (known !== undefined) {
        endpoints.delete(subscriptionId)
        endpoints.set(subscriptionId, known)
        return known
      }
      if (endpoints.size >= forgetAt) forget()
      const endpoint = createEndpoint({ attempts, clock, thousandthMs: retrySecondMs / 1000 })
      endpoints.set(subscriptionId, endpoint)
      return endpoint
    },
    countUnhealthy() {
      let count = 0
      for (const [id, endpoint] of endpoints) {
        if (!endpoint.isUnhealthy) continue
        if (endpoint.isIdle) endpoints.delete(id)
        else count++
      }
      return count
    },
  }
}

const COUNT_PAUSE_MS = 1_000

/** Shows how many are unhealthy. */
export function watchEndpoints(endpoints: Endpoints, metrics: Pick<DeliveryMetrics, 'endpointsUnhealthy'>): Disposable {
  const timer = setInterval(() => metrics.endpointsUnhealthy(endpoints.countUnhealthy()), COUNT_PAUSE_MS)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
