/**
 * Tells all gateways that a topic changed, and learns when each has done with what it read before.
 *
 *   changer: change stored → list members → PUBLISH notice ─┐          ┌─→ all have: settled
 *   others:                            forget, drain, PUBLISH ack ─────┤
 *                                                                      └─→ not within `boundMs`: settled all the same
 *
 * `boundMs` is longer than any gateway trusts what it has read plus the time an append takes at most. After it a
 * gateway that did not answer (it died, is paused, is cut off) has nothing under way that it decided by the old
 * topic, so waiting longer, or failing the change, would gain nothing.
 *
 * Notices come on a connection of their own, as a subscribed one takes no other commands. Notices and
 * acknowledgements leave on the one that appends entries: Redis does commands of one connection in order, so an
 * acknowledgement proves that also appends whose reply timed out have been done or never will be.
 */

import { randomBytes } from 'node:crypto'
import { RecordForgedError, type RecordMac } from '#shared/record-mac'
import { type Redis, redisCall, whenReady } from '#shared/redis'
import { channels } from './channels.ts'
import { isConfirmed } from './is-confirmed.ts'
import { decodeAcknowledgement, decodeNotice, encodeAcknowledgement, encodeNotice } from './messages.ts'

export interface ChangeNotices extends Disposable {
  /** Whether notices arrive here. While they do not, nothing that was read may be trusted later. */
  isListening(): boolean
  /**
   * To be called after a change of a topic and before it is answered: forgets the topic here and elsewhere.
   *
   * Resolves when no gateway stores anything any more that it decided by an earlier read. Never rejects.
   */
  settle(topicArn: string): Promise<void>
  /** For changes that may be seen later: forgets the topic here at once and elsewhere soon. */
  announce(topicArn: string): void
}

/** Who is alive, as its folder tells. */
interface Members {
  readonly id: string
  list(): Promise<readonly string[]>
}

/** How often the connection is tried. A peer that vanished without a word would leave a gateway deaf otherwise. */
const PROBE_MS = 2_000

/**
 * Resolves when notices arrive.
 *
 * @param o.redis the connection that appends
 * @param o.subscriber a connection of its own, closed by the caller
 * @param o.forget drops a topic at once; resolves when what was decided by it has been stored or has failed
 * @param o.forgetAll notices may have been missed
 * @param o.onForged somebody publishes who should not
 * @param o.onUnconfirmed a change was answered after `boundMs`, as not all gateways have acknowledged it
 */
export async function openChangeNotices(o: {
  redis: Redis
  subscriber: Redis
  recordMac: RecordMac
  members: Members
  boundMs: number
  forget: (topicArn: string) => Promise<void>
  forgetAll: () => void
  onForged: (what: { kind: 'change-notice' | 'change-ack' }) => void
  onUnconfirmed: (topicArn: string) => void
  signal?: AbortSignal
}): Promise<ChangeNotices> {
  const { redis, subscriber, recordMac, members } = o
  const ownChannel = channels.acknowledgements(members.id)
  /** Acknowledgements that somebody here waits for, by notice. */
  const awaited = new Map<string, (gatewayId: string) => void>()
  let listening = false

  const listen = async () => {
    await redisCall(subscriber, () => subscriber.subscribe(channels.notices, ownChannel))
    o.forgetAll()
    listening = true
  }
  const onReady = () => void listen().catch(() => subscriber.disconnect(true))
  const onClose = () => {
    listening = false
    o.forgetAll()
  }
  const onMessage = (channel: string, text: string) => {
    const kind = channel === ownChannel ? 'change-ack' : 'change-notice'
    try {
      if (kind === 'change-ack') take(decodeAcknowledgement(text, recordMac))
      else void heed(decodeNotice(text, recordMac))
    } catch (error) {
      if (!(error instanceof RecordForgedError)) throw error
      o.onForged({ kind })
    }
  }
  const take = ({ noticeId, gatewayId }: { noticeId: string; gatewayId: string }) => awaited.get(noticeId)?.(gatewayId)
  const heed = async ({ noticeId, gatewayId, topicArn }: { noticeId: string; gatewayId: string; topicArn: string }) => {
    if (gatewayId === members.id) return
    await o.forget(topicArn)
    const text = encodeAcknowledgement({ noticeId, gatewayId: members.id }, recordMac)
    // Not told, the changer waits as long as it must.
    await redisCall(redis, () => redis.publish(channels.acknowledgements(gatewayId), text)).catch(() => undefined)
  }
  const publish = (noticeId: string, topicArn: string) => {
    const text = encodeNotice({ noticeId, gatewayId: members.id, topicArn }, recordMac)
    return redisCall(redis, () => redis.publish(channels.notices, text))
  }

  /** Resolves when all have acknowledged, which may be never; rejects when Redis does not answer. */
  const confirm = (noticeId: string, topicArn: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const acknowledged = new Set<string>()
      let told: { members: readonly string[]; receivers: number; selfReceives: boolean } | undefined
      const add = (gatewayId: string) => {
        acknowledged.add(gatewayId)
        look()
      }
      const look = () => {
        if (told !== undefined && isConfirmed({ ...told, acknowledged })) resolve()
      }
      awaited.set(noticeId, add)
      o.forget(topicArn).then(() => add(members.id), reject)
      const selfReceives = listening
      // The list first: who is on it has subscribed before, and so gets the notice.
      Promise.all([members.list(), publish(noticeId, topicArn)]).then(([ids, receivers]) => {
        told = { members: ids, receivers, selfReceives }
        look()
      }, reject)
    })

  subscriber.on('ready', onReady).on('close', onClose).on('message', onMessage)
  const probe = setInterval(() => {
    // Its time-out alone is no end of the connection; the driver drops one that stays silent.
    if (listening) void subscriber.ping().catch(() => undefined)
  }, PROBE_MS)
  const stop = () => {
    clearInterval(probe)
    listening = false
    subscriber.off('ready', onReady).off('close', onClose).off('message', onMessage)
  }
  try {
    await whenReady(subscriber, o.signal)
    await listen()
  } catch (error) {
    stop()
    throw error
  }

  return {
    isListening: () => listening,
    async settle(topicArn) {
      const noticeId = randomBytes(16).toString('hex')
      const bound = Promise.withResolvers<'late'>()
      const timer = setTimeout(() => bound.resolve('late'), o.boundMs)
      try {
        // What could not be asked is waited for.
        const confirmed = confirm(noticeId, topicArn).catch(() => bound.promise)
        if ((await Promise.race([confirmed, bound.promise])) === 'late') o.onUnconfirmed(topicArn)
      } finally {
        clearTimeout(timer)
        awaited.delete(noticeId)
      }
    },
    announce(topicArn) {
      void o.forget(topicArn)
      // Lost, it is seen when what was read has become too old.
      publish(randomBytes(16).toString('hex'), topicArn).catch(() => undefined)
    },
    [Symbol.dispose]: stop,
  }
}
