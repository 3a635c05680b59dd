/**
 * Publishers as Redis sees them, and a book of what they were promised.
 *
 * Appends go through the broker's own appender with the gateway's connection settings: what `append`
 * returns from is what a publisher gets a message id for.
 */

import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, requireReplicas, whenReady } from '#shared/redis'
import { createStreamAppender, keys } from '#shared/stream-log'

const BODY = Buffer.alloc(1024, 'x')
const IN_FLIGHT = 64
const READ_AT_ONCE = 5000
const TOPIC = 'arn:aws:sns:us-east-1:000000000000:loss-windows'

const SECRET_ID = '00000000'
const secret = createSecretKey(randomBytes(32))
const recordMac = createRecordMac(createSecretRing(SECRET_ID, new Map([[SECRET_ID, secret]])))

export interface PublishLoad {
  /** When each message was acknowledged, by its id; `performance.now()`. */
  readonly acknowledged: ReadonlyMap<string, number>
  /** Resolves when no publisher goes on: after `stop`, or when Redis has gone. */
  readonly ended: Promise<void>
  stop(): void
}

export async function startPublishLoad(o: {
  url: string
  waitReplicas?: number
  inFlight?: number
}): Promise<PublishLoad> {
  const redis = openRedis({ url: o.url, name: 'loss-windows', commandTimeoutMs: 2000 })
  await whenReady(redis)
  requireReplicas(redis, { replicas: o.waitReplicas ?? 0, timeoutMs: 1000 })
  const appender = createStreamAppender({ redis, recordMac, partitions: 1 })
  const acknowledged = new Map<string, number>()
  let isStopped = false
  const publisher = async () => {
    while (!isStopped) {
      const messageId = randomUUID()
      try {
        await appender.append({
          kind: 'message',
          topicArn: TOPIC,
          incarnation: '0'.repeat(32),
          messageId,
          principal: 'arn:aws:iam::000000000000:user/publisher',
          acceptedAt: Date.now(),
          attributes: [],
          body: BODY,
        })
      } catch {
        // Told to try again, so nothing was promised. With Redis gone, that ends the round.
        return
      }
      acknowledged.set(messageId, performance.now())
    }
  }
  const ended = Promise.all(Array.from({ length: o.inFlight ?? IN_FLIGHT }, publisher)).then(() => closeRedis(redis))
  return {
    acknowledged,
    ended,
    stop: () => {
      isStopped = true
    },
  }
}

/** The ids of all messages a server holds. */
export async function readMessageIds(url: string): Promise<Set<string>> {
  const redis = openRedis({ url, name: 'loss-windows-reader', commandTimeoutMs: 20_000 })
  await whenReady(redis)
  const ids = new Set<string>()
  let from = '-'
  for (;;) {
    const entries = await redis.xrange(keys.streamKey(0), from, '+', 'COUNT', READ_AT_ONCE)
    for (const [, fields] of entries) ids.add(fields[fields.indexOf('id') + 1] ?? '')
    const last = entries.at(-1)
    if (last === undefined || entries.length < READ_AT_ONCE) break
    from = `(${last[0]}`
  }
  await closeRedis(redis)
  return ids
}

export interface Loss {
  acknowledged: number
  lost: number
  /** How long before the death the oldest message that is missing was acknowledged; 0 when none is. */
  windowMs: number
}

export function lossOf(acknowledged: ReadonlyMap<string, number>, kept: ReadonlySet<string>, diedAt: number): Loss {
  let lost = 0
  let windowMs = 0
  for (const [id, at] of acknowledged) {
    if (kept.has(id)) continue
    lost++
    windowMs = Math.max(windowMs, diedAt - at)
  }
  return { acknowledged: acknowledged.size, lost, windowMs }
}
