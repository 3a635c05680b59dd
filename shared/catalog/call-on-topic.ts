/**
 * Runs a command on the keys of a topic.
 *
 * A key that holds another type of value than ours is a forged record too: reported and refused like
 * one whose MAC does not fit, so that one spoilt topic is an alarm and no fault of the others.
 */

import { RecordForgedError } from '#shared/record-mac'
import { coalesceWrites, RedisForeignDataError, redisCall } from '#shared/redis'
import type { CatalogOptions } from './catalog-options.ts'

/**
 * @param of what the alarm names
 * @throws {RecordForgedError} and what `redisCall` throws
 */
export async function callOnTopic<T>(
  { redis, onForged }: Pick<CatalogOptions, 'redis' | 'onForged'>,
  of: Parameters<CatalogOptions['onForged']>[0],
  work: () => Promise<T>,
  options?: { writes?: boolean },
): Promise<T> {
  try {
    return await redisCall(
      redis,
      () => {
        // Requests that arrive together ask for their topics together: a write to the socket takes longer than all else here.
        coalesceWrites(redis)
        return work()
      },
      options,
    )
  } catch (error) {
    if (!(error instanceof RedisForeignDataError)) throw error
    onForged(of)
    throw new RecordForgedError(`Cannot trust a stored record: the key of a ${of.kind} holds another type of value`)
  }
}
