/**
 * Joins what lets several gateways, and the threads of each, act by topics as if there were one: the cache, the notices of changes, and the
 * list of gateways that notices are waited for.
 *
 * They need each other: what is cached may be trusted only while notices arrive and others know of this gateway;
 * a notice, or doubt about either, drops what is cached.
 */

import type { Catalog } from '#shared/catalog'
import { type ChangeNotices, openChangeNotices } from '#shared/change-notices'
import type { Clock } from '#shared/clock'
import { createMembership } from '#shared/membership'
import type { RecordMac } from '#shared/record-mac'
import type { Redis } from '#shared/redis'
import { countGateways, createProcessId, memberIdOf } from './member-id.ts'
import { createPresence } from './presence.ts'
import { createTopicLookup, MAX_AGE_MS, type TopicLookup } from './topic-lookup.ts'

/** Others wait for this gateway for so long after its last beat. */
const PRESENCE_MS = 10_000

export interface Topics extends AsyncDisposable {
  readonly topics: TopicLookup
  readonly topicChanges: Pick<ChangeNotices, 'settle' | 'announce'>
}

/**
 * Resolves when this gateway is known to the others and hears of changes. To be disposed of before the connections.
 *
 * @param o.redis the connection that appends
 * @param o.noticeConnection one of its own
 * @param o.appendMs longest time from the check right before an append until nothing of it is under way
 * @param o.memberId of the list of members, by member-id.ts
 * @param o.onGateways how many are on the list of members, this one included; each time it is known anew
 * @param o.onForged somebody writes to Redis who should not
 * @param o.onUnconfirmed a change was answered without all gateways having acknowledged it, after the time in which
 *   those that did not have forgotten the topic by themselves
 */
export async function openTopics(o: {
  redis: Redis
  noticeConnection: Redis
  recordMac: RecordMac
  catalog: Pick<Catalog, 'readTopic'>
  clock: Clock
  memberId?: string
  appendMs: number
  onGateways: (count: number) => void
  onForged: (what: { kind: string }) => void
  onUnconfirmed: (topicArn: string) => void
  signal?: AbortSignal
}): Promise<Topics> {
  const { redis, clock } = o
  const topics = createTopicLookup({
    catalog: o.catalog,
    clock,
    standing: {
      isListening: () => notices.isListening(),
      isKnown: () => presence.isKnown(),
      makeKnown: () => presence.makeKnown(),
    },
  })
  const members = createMembership({
    redis,
    role: 'gateway',
    ttlMs: PRESENCE_MS,
    id: o.memberId ?? memberIdOf(createProcessId(), 0),
    onForeign: () => o.onForged({ kind: 'members' }),
  })
  const notices = await openChangeNotices({
    redis,
    subscriber: o.noticeConnection,
    recordMac: o.recordMac,
    members,
    boundMs: MAX_AGE_MS + o.appendMs,
    forget: topics.forget,
    forgetAll: topics.forgetAll,
    onForged: o.onForged,
    onUnconfirmed: o.onUnconfirmed,
    ...(o.signal === undefined ? {} : { signal: o.signal }),
  })
  const presence = createPresence({
    beat: async () => o.onGateways(countGateways(await members.beat())),
    clock,
    ttlMs: PRESENCE_MS,
    marginMs: o.appendMs,
    onLapse: topics.forgetAll,
  })
  // Another Redis may answer next, which never heard of this gateway.
  redis.on('close', presence.doubt)
  const close = async () => {
    redis.off('close', presence.doubt)
    presence.stop()
    // Nobody need wait for a gateway that has gone.
    await members.leave().catch(() => undefined)
    notices[Symbol.dispose]()
  }
  try {
    await presence.makeKnown()
  } catch (error) {
    await close()
    throw error
  }
  return { topics, topicChanges: notices, [Symbol.asyncDispose]: close }
}
