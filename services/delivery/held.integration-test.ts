/** Messages that wait for a KMS key, with a real Redis, a real local KMS and the worker's process. */

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Topic } from '#shared/catalog'
import { keys, partitionOf } from '#shared/stream-log'
import { createSealedStage } from './testing/sealed-stage.ts'
import { PARTITIONS } from './testing/worker-stage.ts'

/** From one probe to the next; the first comes after a sixth of it. */
const PROBE_MS = 3_000

/** Long enough for a busy machine: what is under way when a lease is lost is delivered again, as everywhere. */
const LEASE = { SEALCAST_LEASE_MS: '3000' }

suite('messages that wait for a KMS key', () => {
  for (const cluster of [false, true]) {
    test(`outlast kill -9 and are released once, ${cluster ? 'on a cluster' : 'on one server'}`, async () => {
      await using stage = await createSealedStage({ cluster })
      const topic = await subscribed(stage)
      await publishMany(stage, topic, 30)
      await stage.disableKey()
      const first = await stage.startWorker({ ...stage.kmsEnv, ...LEASE })
      await stage.until(async () => (await heldCount(stage, topic)) === 30)
      await first.kill()
      await using second = await stage.startWorker({ ...stage.kmsEnv, ...LEASE })
      await publishMany(stage, topic, 10, 30)
      await stage.until(async () => (await heldCount(stage, topic)) === 40)
      assert.equal(await second.metric(`sealcast_held_messages{key="${stage.keyArn}"}`), 40)
      assert.equal(stage.received.length, 0)
      await stage.enableKey()
      await stage.until(async () => stage.received.length >= 40 && (await stage.leftovers()).length === 0)
      assert.equal(new Set(messageIds(stage)).size, 40)
      assert.equal(stage.received.length, 40)
      assert.equal(await second.metric(`sealcast_held_messages{key="${stage.keyArn}"}`), 0)
      await stage.until(() => second.log.some(({ event }) => event === 'key.released'))
    })
  }

  test('are released in the order in which they were accepted', async () => {
    await using stage = await createSealedStage()
    const topic = await subscribed(stage)
    const entries = await publishMany(stage, topic, 200)
    await stage.disableKey()
    await using worker = await stage.startWorker({ ...stage.kmsEnv, ...LEASE })
    await stage.until(async () => (await heldCount(stage, topic)) === 200)
    await stage.enableKey()
    await stage.until(() => stage.received.length === 200)
    const accepted = new Map(entries.map(({ messageId }, at) => [messageId, at]))
    // Many are under way at once and arrive in any order, some by the backlog; in the loop's own test the order is exact.
    const distances = messageIds(stage).map((id, at) => Math.abs(at - (accepted.get(id) ?? -1_000)))
    const [median = 0] = distances.toSorted((a, b) => a - b).slice(100)
    assert.ok(median <= 40, `the median is displaced by ${median}`)
    assert.equal(await worker.metric('sealcast_deliveries_total{protocol="https",outcome="retry"}'), 0)
  })

  test('are probed by one Decrypt an interval, not asked for one by one', async () => {
    await using stage = await createSealedStage()
    const topic = await subscribed(stage)
    const other = await stage.createSealedTopic('others')
    await stage.subscribe(other, '/others')
    await publishMany(stage, topic, 20)
    await publishMany(stage, other, 20)
    await stage.disableKey()
    await using worker = await stage.startWorker({ ...stage.kmsEnv, ...LEASE })
    await stage.until(async () => (await refused(stage)) >= 3)
    const startedAt = performance.now()
    const asked = await refused(stage)
    await delay(2 * PROBE_MS)
    await publishMany(stage, topic, 20)
    await publishMany(stage, other, 20)
    const most = Math.ceil((performance.now() - startedAt) / PROBE_MS) + 1
    await stage.until(async () => (await worker.metric(HELD)) === 80)
    const more = (await refused(stage)) - asked
    assert.ok(more >= 1 && more <= most, `${more} questions, at most ${most}`)
    assert.ok((await worker.metric(PROBES(stage))) >= more)
    await stage.enableKey()
    await stage.until(async () => stage.received.length === 80 && (await stage.leftovers()).length === 0)
  })

  test('are shared by two workers, taken over, and probed by each process alone', async () => {
    await using stage = await createSealedStage()
    const topics = await Promise.all(['one', 'two', 'three', 'four'].map((name) => stage.createSealedTopic(name)))
    for (const topic of topics) await stage.subscribe(topic, '/hook')
    for (const topic of topics) await publishMany(stage, topic, 10)
    await stage.disableKey()
    const first = await stage.startWorker({ ...stage.kmsEnv, ...LEASE })
    await using second = await stage.startWorker({ ...stage.kmsEnv, ...LEASE })
    const total = async () => (await first.metric(GAUGE(stage))) + (await second.metric(GAUGE(stage)))
    await stage.until(async () => (await total()) === 40)
    await first.stop()
    await stage.until(async () => (await second.metric(GAUGE(stage))) === 40)
    await stage.enableKey()
    await stage.until(async () => stage.received.length >= 40 && (await stage.leftovers()).length === 0)
    assert.equal(stage.received.length, 40)
  })

  test('wait in the retry schedule too, without an attempt, longer than a retry may wait, and go on there', async () => {
    await using stage = await createSealedStage()
    const topic = await subscribed(stage)
    stage.answer((_request, response) => void response.writeHead(503).end())
    const env = { ...stage.kmsEnv, ...LEASE, SEALCAST_RETRY_SECOND_MS: '50', SEALCAST_BACKLOG_SECONDS: '1' }
    const first = await stage.startWorker(env)
    await stage.publishSealed(topic, 'x')
    await stage.until(async () => (await leftover(stage, ':body:')) && stage.received.length > 0)
    await stage.disableKey()
    await first.kill()
    const before = stage.received.length
    await using worker = await stage.startWorker(env)
    await stage.until(async () => (await heldCount(stage, topic)) === 1)
    await delay(1_500)
    assert.equal(stage.received.length, before)
    stage.answer((_request, response) => void response.writeHead(200).end())
    await stage.enableKey()
    await stage.until(async () => stage.received.length > before && (await stage.leftovers()).length === 0)
    assert.equal(stage.received.length, before + 1)
    // Where it was: the attempt after those that were made.
    const attempts = () => worker.log.filter(({ event }) => event === 'delivery.attempted')
    await stage.until(() => attempts().length > 0)
    assert.deepEqual(
      attempts().map(({ attempt }) => attempt),
      [before + 1],
    )
  })

  test('wait in a backlog too, and do not get too old meanwhile', async () => {
    await using stage = await createSealedStage()
    const topic = await subscribed(stage)
    const answers: ServerResponse[] = []
    stage.answer((_request, response) => void answers.push(response))
    const env = { ...stage.kmsEnv, ...LEASE, SEALCAST_BACKLOG_SECONDS: '2' }
    const first = await stage.startWorker(env)
    await publishMany(stage, topic, 5)
    await stage.until(() => leftover(stage, ':backlog:'))
    await stage.disableKey()
    await first.kill()
    await using worker = await stage.startWorker(env)
    await stage.until(async () => (await heldCount(stage, topic)) === 5)
    assert.equal(await leftover(stage, ':backlog:'), false)
    await delay(2_500)
    const before = stage.received.length
    stage.answer((_request, response) => void response.writeHead(200).end())
    await stage.enableKey()
    await stage.until(async () => (await stage.leftovers()).length === 0)
    assert.equal(stage.received.length, before + 5)
    assert.equal(await worker.metric('sealcast_backlog_expired_total'), 0)
  })

  test('are dropped when their topic is gone, and settled when their subscription is', async () => {
    await using stage = await createSealedStage()
    const [gone, unsubscribed] = [await subscribed(stage), await stage.createSealedTopic('unsubscribed')]
    const subscription = await stage.subscribe(unsubscribed, '/gone')
    await publishMany(stage, gone, 3)
    await publishMany(stage, unsubscribed, 3)
    await stage.disableKey()
    await using worker = await stage.startWorker({ ...stage.kmsEnv, ...LEASE })
    await stage.until(async () => (await worker.metric(HELD)) === 6)
    await stage.catalog.deleteTopic(gone.arn)
    await stage.catalog.removeSubscription(subscription)
    await stage.enableKey()
    await stage.until(async () => (await stage.leftovers()).length === 0)
    assert.equal(stage.received.length, 0)
  })

  test('do not wait for forged ones before them, which are put aside', async () => {
    await using stage = await createSealedStage()
    const topic = await subscribed(stage)
    await publishMany(stage, topic, 3)
    const [entry] = await publishMany(stage, topic, 1)
    assert.ok(entry?.sealed)
    await stage.disableKey()
    await using worker = await stage.startWorker({ ...stage.kmsEnv, ...LEASE })
    await stage.until(async () => (await heldCount(stage, topic)) === 4)
    const key = heldKey(stage, topic)
    await worker.kill()
    // All that was held, behind a flood of what is no entry, what does not verify, and references to nothing.
    const held = await stage.client.xrangeBuffer(key, '-', '+')
    await stage.client.del(key)
    for (let n = 0; n < 200; n++) await stage.client.xadd(key, '*', 'v', '1', 'body', 'x')
    for (let n = 0; n < 200; n++) await stage.client.xadd(key, '*', 'm', `${n}`, 's', 'x')
    for (const [, fields] of held) await stage.client.call('XADD', key, '*', ...fields)
    const open = await stage.createTopic('open')
    await stage.subscribe(open, '/open')
    await using second = await stage.startWorker({ ...stage.kmsEnv, ...LEASE })
    await stage.publish(open, 'open', { principal: stage.publisher })
    await stage.until(() => stage.received.length === 1)
    await stage.enableKey()
    await stage.until(() => stage.received.length === 5)
    await stage.until(async () => !(await leftover(stage, ':held')))
    assert.equal(await second.metric('sealcast_entries_quarantined_total{reason="RECORD_FORGED"}'), 200)
  })

  test('do not wait for one before them whose data key is denied for itself', async () => {
    await using stage = await createSealedStage()
    const topic = await subscribed(stage)
    const [first] = await publishMany(stage, topic, 1)
    assert.ok(first?.sealed)
    // Bytes that name a key which this KMS does not have: it answers "denied", as for anybody else's.
    const foreign = Buffer.from(first.sealed.encryptedDataKey)
    foreign[KEY_ID_AT] = (foreign[KEY_ID_AT] ?? 0) ^ 1
    await stage.client.del(keys.streamKey(partition(stage, topic)))
    await stage.appender.append({ ...first, sealed: { ...first.sealed, encryptedDataKey: foreign } })
    await publishMany(stage, topic, 3)
    await stage.disableKey()
    await using worker = await stage.startWorker({ ...stage.kmsEnv, ...LEASE })
    await stage.until(async () => (await heldCount(stage, topic)) === 4)
    await stage.enableKey()
    await stage.until(async () => stage.received.length === 3 && (await heldCount(stage, topic)) === 1)
    assert.equal(await worker.metric('sealcast_entries_held_total{reason="KMS_ACCESS_DENIED"}'), 1)
  })
})

/** In the blobs of the local KMS. */
const KEY_ID_AT = 4

type SealedStage = Awaited<ReturnType<typeof createSealedStage>>

const HELD = 'sealcast_entries_held_total{reason="KMS_DISABLED"}'
const PROBES = ({ keyArn }: SealedStage) =>
  `sealcast_kms_requests_total{operation="Decrypt",outcome="KMS_DISABLED",purpose="probe",key="${keyArn}"}`
const GAUGE = ({ keyArn }: SealedStage) => `sealcast_held_messages{key="${keyArn}"}`

async function subscribed(stage: SealedStage): Promise<Topic> {
  const topic = await stage.createSealedTopic('orders')
  await stage.subscribe(topic, '/hook')
  return topic
}

async function publishMany(stage: SealedStage, topic: Topic, count: number, from = 0) {
  const entries = []
  for (let n = from; n < from + count; n++) entries.push(await stage.publishSealed(topic, `words ${n}`))
  return entries
}

function partition(stage: SealedStage, topic: Topic): number {
  return partitionOf(topic.arn, stage.publisher, PARTITIONS)
}

function heldKey(stage: SealedStage, topic: Topic): string {
  return keys.heldKey(partition(stage, topic), stage.keyArn)
}

function heldCount(stage: SealedStage, topic: Topic): Promise<number> {
  return stage.client.xlen(heldKey(stage, topic))
}

async function refused(stage: SealedStage): Promise<number> {
  return (await stage.kms.served())['Decrypt DisabledException'] ?? 0
}

async function leftover(stage: SealedStage, part: string): Promise<boolean> {
  return (await stage.leftovers()).concat(await stage.client.keys('sealcast:*')).some((key) => key.includes(part))
}

function messageIds(stage: SealedStage): string[] {
  return stage.received.map(({ body }) => String(JSON.parse(body).MessageId))
}
