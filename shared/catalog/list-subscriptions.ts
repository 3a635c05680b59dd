/**
 * Subscriptions page by page: those of a topic, those of an account.
 *
 * In byte order of id or ARN, so that a page goes on where the last one ended whatever was added or removed
 * meanwhile. Nothing authenticates the lists: each entry is shown as its record says, one without a record is
 * dropped from the list, and pending ones that expired are removed.
 */

import { pipelineReplies, redisCall } from '#shared/redis'
import { callOnTopic } from './call-on-topic.ts'
import type { CatalogOptions } from './catalog-options.ts'
import { keys } from './keys.ts'
import { isExpired } from './pending.ts'
import type { Subscription } from './records.ts'
import { indexSubscriptions } from './subscription-index.ts'
import { readSubscriptions, readUnlessForged, removeSubscription } from './subscriptions.ts'

/** A page of subscriptions; `next` is absent on the last one. */
export interface SubscriptionPage {
  subscriptions: Subscription[]
  next?: string
}

export interface PageOptions {
  /** The `next` of the page before. */
  after?: string
  /** 1..1000. */
  limit: number
  now: number
}

const MAX_PAGE = 1000

/** Reads of a list for one page. With more entries than that led to nothing, the page comes short and goes on. */
const MAX_ROUNDS = 10

const SUBSCRIPTION_ARN =
  /^(arn:aws:sns:([a-z0-9-]{1,32}):[0-9]{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

export async function listSubscriptionsOfTopic(
  o: CatalogOptions,
  { topicArn, ...page }: PageOptions & { topicArn: string },
): Promise<SubscriptionPage> {
  const of = { kind: 'subscription', topicArn } as const
  if (page.after === undefined && !(await isListComplete(o, topicArn))) {
    const { subscriptions } = await readSubscriptions(o, topicArn)
    await indexSubscriptions(o, topicArn, subscriptions)
  }
  return fillPage(o, page, {
    names: (from, count) =>
      callOnTopic(o, of, () => o.redis.zrangebylex(keys.idsKey(topicArn), from, '+', 'LIMIT', 0, count)),
    async read(ids) {
      const values = await callOnTopic(o, of, () => o.redis.hmget(keys.subscriptionsKey(topicArn), ...ids))
      return ids.map((id, at) => readValue(o, { topicArn, id }, values[at]))
    },
    drop: (ids) => redisCall(o.redis, () => o.redis.zrem(keys.idsKey(topicArn), ...ids), { writes: true }),
  })
}

export function listSubscriptionsOfAccount(
  o: CatalogOptions,
  { account, region, ...page }: PageOptions & { account: string; region: string },
): Promise<SubscriptionPage> {
  const key = keys.ownedKey(account, region)
  return fillPage(o, page, {
    names: (from, count) => redisCall(o.redis, () => o.redis.zrangebylex(key, from, '+', 'LIMIT', 0, count)),
    async read(arns) {
      const places = arns.map((arn) => placeOf(arn, region))
      const values = await redisCall(o.redis, () => {
        const pipeline = o.redis.pipeline()
        // Every name has its reply, also one that can be no subscription's: it is asked for where nothing lies.
        for (const place of places) pipeline.hget(keys.subscriptionsKey(place?.topicArn ?? ''), place?.id ?? '')
        return pipelineReplies(pipeline.exec(), { skipForeignData: true })
      })
      return places.map((place, at) => {
        const read = place === undefined ? 'absent' : readValue(o, place, values[at])
        return typeof read === 'string' || read.owner === account ? read : 'absent'
      })
    },
    // Never one about to be written: a subscription is stored before it is listed.
    drop: (arns) => redisCall(o.redis, () => o.redis.zrem(key, ...arns), { writes: true }),
  })
}

interface ListSource {
  names(from: string, count: number): Promise<string[]>
  /** For each name in order: its subscription, or why there is none to show. */
  read(names: readonly string[]): Promise<Listed[]>
  drop(names: readonly string[]): Promise<unknown>
}

type Listed = Subscription | 'absent' | 'forged'

async function fillPage(
  o: CatalogOptions,
  { after, limit, now }: PageOptions,
  source: ListSource,
): Promise<SubscriptionPage> {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw new RangeError(`Cannot list subscriptions: limit must be 1..${MAX_PAGE}, current value is ${limit}`)
  }
  const subscriptions: Subscription[] = []
  let last = after
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // One more than asked for tells whether there is a next page.
    const names = await source.names(last === undefined ? '-' : `(${last}`, limit + 1)
    const candidates = names.slice(0, limit)
    const listed = candidates.length === 0 ? [] : await source.read(candidates)
    const absent: string[] = []
    let met = 0
    for (const [at, name] of candidates.entries()) {
      const one = listed[at] ?? 'absent'
      met++
      last = name
      if (one === 'absent') absent.push(name)
      else if (one !== 'forged' && isExpired(one, now)) await removeSubscription(o, one)
      else if (one !== 'forged' && subscriptions.push(one) === limit) break
    }
    if (absent.length > 0) await source.drop(absent)
    if (met === names.length) return { subscriptions }
    if (subscriptions.length === limit) break
  }
  return last === undefined ? { subscriptions } : { subscriptions, next: last }
}

/** Whether each record has its id in the list: there may be more ids, and those are met and dropped. */
async function isListComplete(o: CatalogOptions, topicArn: string): Promise<boolean> {
  const [ids, records] = await callOnTopic(o, { kind: 'subscription', topicArn }, () => {
    const pipeline = o.redis.pipeline()
    pipeline.zcard(keys.idsKey(topicArn))
    pipeline.hlen(keys.subscriptionsKey(topicArn))
    return pipelineReplies(pipeline.exec())
  })
  return Number(ids) >= Number(records)
}

function readValue(o: CatalogOptions, of: { topicArn: string; id: string }, value: unknown): Listed {
  if (typeof value !== 'string') return 'absent'
  return readUnlessForged(o, of, value) ?? 'forged'
}

/** @returns undefined for a name that can be no subscription's of the region */
function placeOf(arn: string, region: string): { topicArn: string; id: string } | undefined {
  const [, topicArn, ofRegion, id] = SUBSCRIPTION_ARN.exec(arn) ?? []
  return topicArn === undefined || id === undefined || ofRegion !== region ? undefined : { topicArn, id }
}
