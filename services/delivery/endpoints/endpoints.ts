/** The endpoints of this process by subscription: made when first asked for, forgotten when idle. */

import type { Clock } from '#shared/clock'
import { MAX_ATTEMPTS_UNDER_WAY, MAX_ENDPOINTS_REMEMBERED } from '../limits.ts'
import type { DeliveryMetrics } from '../metrics.ts'
import { type AttemptCount, createEndpoint, type Endpoint } from './endpoint.ts'

export interface Endpoints {
  of(subscriptionId: string): Endpoint
  /** How many there are of which nothing comes back at present; those that nothing is sent to any more are forgotten. */
  countUnhealthy(): number
}

export function createEndpoints({ clock, retrySecondMs }: { clock: Clock; retrySecondMs: number }): Endpoints {
  const attempts: AttemptCount = { underWay: 0, capacity: MAX_ATTEMPTS_UNDER_WAY }
  const endpoints = new Map<string, Endpoint>()

  const forgetIdle = () => {
    for (const [id, endpoint] of endpoints) if (endpoint.isIdle) endpoints.delete(id)
  }

  return {
    of(subscriptionId) {
      const known = endpoints.get(subscriptionId)
      if (known !== undefined) return known
      if (endpoints.size >= MAX_ENDPOINTS_REMEMBERED) forgetIdle()
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
