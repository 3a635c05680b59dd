/**
 * Repeats what must be recorded in Redis until it is, or until the partition is no longer ours.
 *
 * An entry that was delivered should not be delivered again because Redis restarted. Every step this
 * is used for may be repeated: fenced by the lease's token and naming what it changes.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { BrokerError } from '#shared/errors'
import { REDIS_PAUSE_MS } from './limits.ts'

/**
 * @param gone aborts when the lease is lost; then the last error is thrown
 * @throws whatever is not retryable, at once
 */
export async function keepTrying<T>(work: () => Promise<T>, gone: AbortSignal): Promise<T> {
  for (let pauseMs: number = REDIS_PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, REDIS_PAUSE_MS.longest)) {
    try {
      return await work()
    } catch (error) {
      const retryable = error instanceof BrokerError && error.retryable
      if (!retryable || gone.aborted) throw error
      await delay(pauseMs, undefined, { signal: gone }).catch(() => undefined)
      if (gone.aborted) throw error
    }
  }
}
