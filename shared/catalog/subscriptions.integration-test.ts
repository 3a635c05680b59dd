import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, suite, test } from 'node:test'
import { startTestRedis } from '#shared/test-redis'
import type { Subscription } from './index.ts'
import { keys } from './keys.ts'
import { type CatalogStage, openCatalogStage } from './testing/catalog-stage.ts'

const NOW = 1_767_225_600_000
const THREE_DAYS_MS = 259_200_000

// The same on both: a script that crosses a slot fails on the second.
for (const mode of ['standalone', 'cluster'] as const) {
  suite(`subscriptions of a catalog, ${mode}`, () => {
    const starting = startTestRedis({ cluster: mode === 'cluster' })
    const setup = async () => openCatalogStage((await starting).url)
    after(async () => (await starting)[Symbol.asyncDispose]())

    test('putSubscription() and removeSubscription() heed what must be there, and move the version with every change', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      await t.catalog.createTopic(topic)
      const versions = new Set<string | undefined>()
      const noteVersion = async () => versions.add((await t.catalog.readTopic(topic.arn))?.version)
      const subscription = t.aSubscription(topic)
      const confirmed: Subscription = { ...subscription, state: 'confirmed' }
      await noteVersion()
      assert.equal(await t.catalog.putSubscription(confirmed, { replaces: subscription }), false)
      assert.equal(await t.catalog.removeSubscription(subscription), false)
      await noteVersion()
      assert.equal(versions.size, 1)

      assert.equal(await t.catalog.putSubscription(subscription, { expect: 'absent' }), true)
      await noteVersion()
      assert.equal(await t.catalog.putSubscription(subscription, { expect: 'absent' }), false)
      assert.equal(await t.catalog.putSubscription(confirmed, { replaces: subscription }), true)
      await noteVersion()
      assert.equal(await t.catalog.putSubscription(confirmed, { replaces: subscription }), false)
      assert.deepEqual(await t.catalog.readSubscription(topic.arn, subscription.id), confirmed)
      assert.deepEqual(await t.catalog.readSubscriptions(topic.arn), { subscriptions: [confirmed], forged: 0 })

      assert.equal(await t.catalog.removeSubscription(subscription), false)
      assert.equal(await t.catalog.removeSubscription(confirmed), true)
      await noteVersion()
      assert.equal(versions.size, 4)
      assert.equal(await t.catalog.readSubscription(topic.arn, subscription.id), undefined)
      assert.deepEqual(await t.catalog.readSubscriptions(topic.arn), { subscriptions: [], forged: 0 })
      assert.equal(await t.redis.exists(...keys.allOf(topic.arn).slice(1)), 0)
      assert.equal(await t.redis.exists(keys.ownedKeyOf(subscription)), 0)
    })

    test('putSubscription() lets one of several subscribers of an endpoint in', async () => {
      await using t = await setup()
      await using second = await setup()
      const topic = t.aTopic()
      await t.catalog.createTopic(topic)
      const endpoint = 'https://example.com/one'
      const puts = Array.from({ length: 10 }, (_, n) =>
        (n % 2 === 0 ? t : second).catalog.putSubscription(t.aSubscription(topic, { endpoint }), { expect: 'absent' }),
      )
      assert.equal((await Promise.all(puts)).filter(Boolean).length, 1)
      assert.equal((await t.catalog.readSubscriptions(topic.arn)).subscriptions.length, 1)
    })

    test('findSubscription() tells protocol, endpoint, owner and incarnation apart', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      await t.catalog.createTopic(topic)
      const stored = await put(t, t.aSubscription(topic))
      assert.deepEqual(await t.catalog.findSubscription(stored, NOW), { subscription: stored, indexed: stored.id })
      for (const other of [
        { protocol: 'http' as const },
        { endpoint: `${stored.endpoint}/` },
        { owner: '999999999999' },
        { incarnation: 'earlier' },
      ]) {
        const { subscription } = await t.catalog.findSubscription({ ...stored, ...other }, NOW)
        assert.equal(subscription, undefined, JSON.stringify(other))
      }
    })

    test('findSubscription() removes one that expired, and others of the topic that it meets', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      await t.catalog.createTopic(topic)
      const expired = await put(t, t.aSubscription(topic))
      const alsoExpired = await put(t, t.aSubscription(topic))
      const renewed = await put(t, t.aSubscription(topic, { pendingSince: NOW + 1 }))
      const confirmed = await put(t, t.aSubscription(topic, { state: 'confirmed' }))
      const now = NOW + THREE_DAYS_MS
      assert.equal((await t.catalog.findSubscription(expired, now - 1)).subscription?.id, expired.id)
      assert.deepEqual(await t.catalog.findSubscription(expired, now), { subscription: undefined, indexed: '' })
      assert.equal(await t.catalog.readSubscription(topic.arn, alsoExpired.id), undefined)
      assert.deepEqual(await idsOf(t, topic.arn), [renewed.id, confirmed.id].toSorted())
      const again = t.aSubscription(topic, { endpoint: expired.endpoint })
      assert.equal(await t.catalog.putSubscription(again, { expect: 'absent' }), true)
    })

    test('findSubscription() gives one that somebody with a slower clock renews just before it is removed', async () => {
      await using t = await setup()
      await using other = await setup()
      const topic = t.aTopic()
      await t.catalog.createTopic(topic)
      const waiting = await put(t, t.aSubscription(topic))
      const renewed = { ...waiting, pendingSince: NOW + 1 }
      const { hget } = t.redis
      t.redis.hget = async (...args) => {
        t.redis.hget = hget
        const value = await t.redis.hget(...args)
        assert.ok(await other.catalog.putSubscription(renewed, { replaces: waiting }))
        return value
      }
      const found = await t.catalog.findSubscription(waiting, NOW + THREE_DAYS_MS)
      assert.deepEqual(found, { subscription: renewed, indexed: renewed.id })
    })

    test('findSubscription() finds an endpoint whose index entry is missing or leads elsewhere, and mends it', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      await t.catalog.createTopic(topic)
      const [one, other] = [await put(t, t.aSubscription(topic)), await put(t, t.aSubscription(topic))]
      const key = keys.endpointsKey(topic.arn)
      const [name = ''] = Object.entries(await t.redis.hgetall(key)).find(([, id]) => id === one.id) ?? []
      const spoil = [
        () => t.redis.hdel(key, name),
        () => t.redis.del(key),
        () => t.redis.hset(key, name, other.id),
        () => t.redis.hset(key, name, randomUUID()),
        () => t.redis.hset(key, name, 'x', 'another', 'y'),
      ]
      for (const [n, alter] of spoil.entries()) {
        await alter()
        assert.equal((await t.catalog.findSubscription(one, NOW)).subscription?.id, one.id, String(n))
        assert.equal(await t.redis.hget(key, name), one.id)
      }
      assert.deepEqual(t.alarms, [])
    })

    test('findSubscription() replaces an entry that leads to a forged record, after its alarm', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      await t.catalog.createTopic(topic)
      const one = await put(t, t.aSubscription(topic))
      await t.redis.hset(keys.subscriptionsKey(topic.arn), one.id, 'forged')
      const { subscription, indexed } = await t.catalog.findSubscription(one, NOW)
      assert.deepEqual([subscription, indexed], [undefined, one.id])
      assert.ok(t.alarms.length > 0)
      const again = t.aSubscription(topic, { endpoint: one.endpoint })
      assert.equal(await t.catalog.putSubscription(again, { expect: 'absent' }), false)
      assert.equal(await t.catalog.putSubscription(again, { expect: 'absent', indexed }), true)
      assert.equal((await t.catalog.findSubscription(one, NOW)).subscription?.id, again.id)
    })

    test('countSubscriptions() counts by state and leaves out what expired', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      await t.catalog.createTopic(topic)
      const count = (now = NOW) => t.catalog.countSubscriptions(topic.arn, now)
      assert.deepEqual(await count(), { pending: 0, confirmed: 0, deleted: 0 })
      const one = await put(t, t.aSubscription(topic))
      await put(t, t.aSubscription(topic, { pendingSince: NOW + 1 }))
      await put(t, t.aSubscription(topic, { state: 'confirmed' }))
      assert.deepEqual(await count(), { pending: 2, confirmed: 1, deleted: 0 })
      assert.deepEqual(await count(NOW + THREE_DAYS_MS), { pending: 1, confirmed: 1, deleted: 0 })
      const states = [
        ['confirmed', { pending: 1, confirmed: 2, deleted: 0 }],
        ['deleted', { pending: 1, confirmed: 1, deleted: 1 }],
        ['pending', { pending: 2, confirmed: 1, deleted: 0 }],
      ] as const
      let current = one
      for (const [state, counts] of states) {
        const changed = { ...current, state }
        assert.ok(await t.catalog.putSubscription(changed, { replaces: current }))
        current = changed
        assert.deepEqual(await count(), counts, state)
      }
      await t.catalog.removeSubscription(current)
      assert.deepEqual(await count(), { pending: 1, confirmed: 1, deleted: 0 })
    })

    test('removeSubscription() on a topic that is gone leaves no half topic behind', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      await t.catalog.createTopic(topic)
      const left = await put(t, t.aSubscription(topic))
      await t.redis.del(keys.topicKey(topic.arn))
      assert.equal(await t.catalog.removeSubscription(left), true)
      assert.equal(await t.catalog.readTopic(topic.arn), undefined)
    })

    test('forged subscriptions are an alarm each, left out and counted', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      const other = t.aTopic()
      await t.catalog.createTopic(topic)
      await t.catalog.createTopic(other)
      const good = await put(t, t.aSubscription(topic))
      const foreign = await put(t, t.aSubscription(other))
      const key = keys.subscriptionsKey(topic.arn)
      const moved = String(await t.redis.hget(keys.subscriptionsKey(other.arn), foreign.id))
      const copied = String(await t.redis.hget(key, good.id))
      await t.redis.hset(key, foreign.id, moved, '__proto__', 'x', 'copy', copied, 'empty', '')
      assert.deepEqual(await t.catalog.readSubscriptions(topic.arn), { subscriptions: [good], forged: 4 })
      assert.deepEqual(t.alarms.splice(0), new Array(4).fill({ kind: 'subscription', topicArn: topic.arn }))
      await assert.rejects(t.catalog.readSubscription(topic.arn, foreign.id), { code: 'RECORD_FORGED' })
      assert.equal(t.alarms.length, 1)
    })

    test('a key of another type is an alarm and is refused, and nothing is half written', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      await t.catalog.createTopic(topic)
      const { arn } = topic
      const subscription = t.aSubscription(topic)
      for (const key of keys.allOf(arn).slice(1)) {
        await t.redis.set(key, 'x')
        const before = await t.catalog.readTopic(arn)
        const put = () => t.catalog.putSubscription(subscription, { expect: 'absent' })
        await assert.rejects(put, { code: 'RECORD_FORGED' }, key)
        assert.deepEqual(t.alarms.splice(0), [{ kind: 'subscription', topicArn: arn }], key)
        assert.deepEqual(await t.catalog.readTopic(arn), before)
        await t.redis.del(...keys.allOf(arn).slice(1))
        assert.deepEqual(await t.catalog.readSubscriptions(arn), { subscriptions: [], forged: 0 })
      }
      await t.redis.set(keys.subscriptionsKey(arn), 'x')
      for (const read of [
        () => t.catalog.readSubscriptions(arn),
        () => t.catalog.readSubscription(arn, 'x'),
        () => t.catalog.removeSubscription(subscription),
        () => t.catalog.findSubscription(subscription, NOW),
        () => t.catalog.countSubscriptions(arn, NOW),
        () => t.catalog.listSubscriptionsOfTopic({ topicArn: arn, limit: 1, now: NOW }),
      ]) {
        await assert.rejects(read, { code: 'RECORD_FORGED' }, String(read))
        assert.deepEqual(t.alarms.splice(0), [{ kind: 'subscription', topicArn: arn }], String(read))
      }
    })
  })
}

async function put(t: CatalogStage, subscription: Subscription): Promise<Subscription> {
  assert.ok(await t.catalog.putSubscription(subscription, { expect: 'absent' }))
  return subscription
}

async function idsOf(t: CatalogStage, topicArn: string): Promise<string[]> {
  return (await t.catalog.readSubscriptions(topicArn)).subscriptions.map(({ id }) => id).toSorted()
}
