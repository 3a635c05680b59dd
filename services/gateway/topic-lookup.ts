/**
 * Topics by ARN, at most one second old.
 *
 * Publishing would otherwise cost one more round trip a message. Changes made through this gateway
 * are seen at once: `forget` drops the entry, also one whose read is still under way, because the
 * promise of a read started before the change is what gets dropped.
 */

import type { Catalog, Topic } from '#shared/catalog'
import type { Clock } from '#shared/clock'
import { NotFoundError } from '#shared/sns-wire'

export interface TopicLookup {
  /** The topic, or undefined when there is none. */
  find(arn: string): Promise<Topic | undefined>
  /** @throws {NotFoundError} `Topic does not exist` */
  get(arn: string): Promise<Topic>
  /** Called after every change of the topic and before the change is answered. */
  forget(arn: string): void
}

/** How long a topic read is trusted. Design bound: a change elsewhere is honoured within a second. */
const MAX_AGE_MS = 1000
/** Topics kept; about 1 KiB each. The oldest read goes first. */
const CAPACITY = 10_000

export function createTopicLookup({
  catalog,
  clock,
}: {
  catalog: Pick<Catalog, 'readTopic'>
  clock: Clock
}): TopicLookup {
  const cached = new Map<string, { readAt: number; topic: Promise<Topic | undefined> }>()

  const find = (arn: string): Promise<Topic | undefined> => {
    const now = clock.now()
    const hit = cached.get(arn)
    if (hit !== undefined && now - hit.readAt < MAX_AGE_MS && now >= hit.readAt) return hit.topic
    const entry = { readAt: now, topic: catalog.readTopic(arn).then((snapshot) => snapshot?.topic) }
    cached.delete(arn)
    cached.set(arn, entry)
    evictOldest()
    // Neither a failure nor an absence is remembered: the next caller asks again.
    entry.topic.then(
      (topic) => {
        if (topic === undefined && cached.get(arn) === entry) cached.delete(arn)
      },
      () => {
        if (cached.get(arn) === entry) cached.delete(arn)
      },
    )
    return entry.topic
  }

  const evictOldest = () => {
    if (cached.size <= CAPACITY) return
    const [oldest] = cached.keys()
    if (oldest !== undefined) cached.delete(oldest)
  }

  return {
    find,
    async get(arn) {
      const topic = await find(arn)
      if (topic === undefined) throw new NotFoundError('Topic does not exist')
      return topic
    },
    forget: (arn) => {
      cached.delete(arn)
    },
  }
}
