/** Topics in Redis: create, read, change, delete, list. */

import { randomBytes } from 'node:crypto'
import { RecordForgedError, type RecordMac } from '#shared/record-mac'
import { defineScript, type Redis, redisCall } from '#shared/redis'
import { topicArnOf } from './arns.ts'
import { callOnTopic } from './call-on-topic.ts'
import type { CatalogOptions, TopicSnapshot } from './catalog-options.ts'
import { TopicContendedError } from './errors.ts'
import { keys } from './keys.ts'
import { type AuthenticText, decodeTopic, encodeTopic, type Topic } from './records.ts'

const createScript = defineScript(new URL('./create-topic.lua', import.meta.url))
const changeScript = defineScript(new URL('./change-topic.lua', import.meta.url))
const deleteScript = defineScript(new URL('./delete-topic.lua', import.meta.url))

/** Attempts at a change. Each lost one means that another change won, so only a stampede comes here. */
const MAX_CHANGE_ATTEMPTS = 200

const MAX_PAGE = 1000

const TOPIC_NAME = /^[A-Za-z0-9_-]{1,256}$/

export async function createTopic(o: CatalogOptions, topic: Topic): Promise<{ created: boolean; topic: Topic }> {
  const { text, mac } = encodeTopic(topic, o.recordMac)
  const reply = await callOnTopic(
    o,
    { kind: 'topic', topicArn: topic.arn },
    () => createScript.run(o.redis, keys.allOf(topic.arn), [text, mac, topic.incarnation, newVersion()]),
    { writes: true },
  )
  // After the topic, since it lies in another slot, and also when the topic was there: a create that
  // stopped halfway is repaired by the next.
  await addToIndex(o.redis, topic.arn)
  if (reply === null) return { created: true, topic }
  return { created: false, topic: readRecord(o, topic.arn, authenticTextOf(reply)) }
}

export async function readTopic(o: CatalogOptions, arn: string, known?: Topic): Promise<TopicSnapshot | undefined> {
  const stored = await readStored(o, arn, known)
  if (stored === undefined) return undefined
  const { snapshot, text, mac } = stored
  if (snapshot.topic !== known) remember(snapshot.topic, o, arn, { text, mac })
  return snapshot
}

export async function changeTopic(
  o: CatalogOptions,
  arn: string,
  change: (topic: Topic) => Topic,
): Promise<Topic | undefined> {
  for (let attempt = 0; attempt < MAX_CHANGE_ATTEMPTS; attempt++) {
    const stored = await readStored(o, arn)
    if (stored === undefined) return undefined
    const { incarnation } = stored.snapshot.topic
    const changed = change(stored.snapshot.topic)
    if (changed.arn !== arn || changed.incarnation !== incarnation) {
      throw new TypeError('Cannot change the topic: ARN and incarnation stay')
    }
    const encoded = encodeTopic(changed, o.recordMac)
    // Compared as text: `change` may have altered the very object it was given.
    if (encoded.text === stored.text) return changed
    if (await replaceRecord(o, arn, stored.mac, encoded)) return changed
  }
  throw new TopicContendedError()
}

export async function deleteTopic({ redis }: CatalogOptions, arn: string): Promise<boolean> {
  const topicKey = keys.topicKey(arn)
  const reply = await redisCall(redis, () => deleteScript.run(redis, keys.allOf(arn), []), {
    writes: true,
  })
  await redisCall(redis, () => redis.zrem(keys.indexKeyOf(arn), arn), { writes: true })
  // Somebody may have created the topic anew before its name was taken out of the index.
  if ((await redisCall(redis, () => redis.exists(topicKey))) === 1) await addToIndex(redis, arn)
  return reply === 1
}

export async function listTopics(
  { redis }: CatalogOptions,
  { account, region, after, limit }: { account: string; region: string; after?: string; limit: number },
): Promise<{ arns: string[]; next?: string }> {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw new RangeError(`Cannot list topics: limit must be 1..${MAX_PAGE}, current value is ${limit}`)
  }
  const from = after === undefined ? '-' : `(${after}`
  // One more than asked for tells whether there is a next page.
  const found = await redisCall(redis, () =>
    redis.zrangebylex(keys.indexKey(account, region), from, '+', 'LIMIT', 0, limit + 1),
  )
  const page = found.slice(0, limit)
  const next = page.at(-1)
  const prefix = topicArnOf({ region, account, name: '' })
  // Nothing vouches for these names, so that at least none is shown that could be no topic's here.
  const arns = page.filter((arn) => arn.startsWith(prefix) && TOPIC_NAME.test(arn.slice(prefix.length)))
  return found.length > limit && next !== undefined ? { arns, next } : { arns }
}

/** Random rather than counted: a topic deleted and created anew never has a version that was seen before. */
export function newVersion(): string {
  return randomBytes(16).toString('hex')
}

async function readStored(
  o: CatalogOptions,
  arn: string,
  known?: Topic,
): Promise<{ snapshot: TopicSnapshot; text: string; mac: string } | undefined> {
  const of = { kind: 'topic', topicArn: arn } as const
  const [text, mac, incarnation, version] = await callOnTopic(o, of, () =>
    o.redis.hmget(keys.topicKey(arn), 'record', 'mac', 'incarnation', 'version'),
  )
  if (text === null && mac === null && incarnation === null && version === null) return undefined
  const stored = { ...(text ? { text } : {}), ...(mac ? { mac } : {}) }
  const topic = known !== undefined && isFrom(known, o, arn, stored) ? known : readRecord(o, arn, stored)
  // The copy for the scripts is outside the MAC. With another value no subscription could be written any more.
  if (incarnation !== topic.incarnation) {
    o.onForged(of)
    throw new RecordForgedError('Cannot trust a stored record: a topic has the incarnation of another')
  }
  return { snapshot: { topic, version: version ?? '' }, text: text ?? '', mac: mac ?? '' }
}

async function replaceRecord(
  o: CatalogOptions,
  arn: string,
  expectedMac: string,
  { text, mac }: AuthenticText,
): Promise<boolean> {
  const args = [expectedMac, text, mac, newVersion()]
  const change = () => changeScript.run(o.redis, [keys.topicKey(arn)], args)
  const reply = await callOnTopic(o, { kind: 'topic', topicArn: arn }, change, { writes: true })
  return reply === 1
}

async function addToIndex(redis: Redis, arn: string): Promise<void> {
  await redisCall(redis, () => redis.zadd(keys.indexKeyOf(arn), 0, arn), { writes: true })
}

function readRecord(
  { recordMac, onForged }: { recordMac: RecordMac; onForged: CatalogOptions['onForged'] },
  arn: string,
  stored: Partial<AuthenticText>,
): Topic {
  try {
    return decodeTopic(arn, stored, recordMac)
  } catch (error) {
    if (error instanceof RecordForgedError) onForged({ kind: 'topic', topicArn: arn })
    throw error
  }
}

/** What each topic was verified and parsed from. */
const sources = new WeakMap<Topic, Partial<AuthenticText> & { readonly recordMac: RecordMac; readonly arn: string }>()

/** Characters; a record with a long policy is parsed again rather than kept twice. */
const MAX_KEPT = 4_096

function remember(topic: Topic, { recordMac }: CatalogOptions, arn: string, stored: Partial<AuthenticText>): void {
  if ((stored.text?.length ?? 0) <= MAX_KEPT) sources.set(topic, { ...stored, recordMac, arn })
}

/** Whether the topic was verified, under this ARN and with these secrets, and parsed from these very bytes. */
function isFrom(topic: Topic, { recordMac }: CatalogOptions, arn: string, stored: Partial<AuthenticText>): boolean {
  const source = sources.get(topic)
  if (source === undefined || source.recordMac !== recordMac || source.arn !== arn) return false
  return source.text === stored.text && source.mac === stored.mac
}

function authenticTextOf(reply: unknown): Partial<AuthenticText> {
  const [text, mac]: unknown[] = Array.isArray(reply) ? reply : []
  return {
    ...(Buffer.isBuffer(text) ? { text: text.toString('utf8') } : {}),
    ...(Buffer.isBuffer(mac) ? { mac: mac.toString('utf8') } : {}),
  }
}
