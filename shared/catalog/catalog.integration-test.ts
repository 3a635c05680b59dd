import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, suite, test } from 'node:test'
import { startTestRedis } from '#shared/test-redis'
import { type Topic, topicArnOf } from './index.ts'
import { keys } from './keys.ts'
import { openCatalogStage } from './testing/catalog-stage.ts'

// The same on both: a script that crosses a slot fails on the second.
for (const mode of ['standalone', 'cluster'] as const) {
  suite(`a catalog, ${mode}`, () => {
    const starting = startTestRedis({ cluster: mode === 'cluster' })
    const setup = async () => openCatalogStage((await starting).url)
    after(async () => (await starting)[Symbol.asyncDispose]())

    test('createTopic() stores a topic, and gives the stored one from then on', async () => {
      await using t = await setup()
      const topic = t.aTopic({ attributes: { displayName: 'Über', kmsMasterKeyId: 'alias/x', signatureVersion: '2' } })
      assert.deepEqual(await t.catalog.createTopic(topic), { created: true, topic })
      const other = { ...topic, incarnation: 'other', attributes: {} }
      assert.deepEqual(await t.catalog.createTopic(other), { created: false, topic })
      assert.deepEqual((await t.catalog.readTopic(topic.arn))?.topic, topic)
      assert.equal(await t.catalog.readTopic(`${topic.arn}2`), undefined)
    })

    test('createTopic() creates once, however many ask at the same time', async () => {
      await using t = await setup()
      await using second = await setup()
      const topic = t.aTopic()
      const asked = Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? t : second).catalog.createTopic({ ...topic, incarnation: `i${n}` }),
      )
      const answers = await Promise.all(asked)
      assert.equal(answers.filter(({ created }) => created).length, 1)
      assert.equal(new Set(answers.map((answer) => answer.topic.incarnation)).size, 1)
    })

    test('changeTopic() applies every one of concurrent changes', async () => {
      await using t = await setup()
      await using second = await setup()
      const topic = t.aTopic({ attributes: { displayName: '' } })
      await t.catalog.createTopic(topic)
      const changes = Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? t : second).catalog.changeTopic(topic.arn, (old) => ({
          ...old,
          attributes: { ...old.attributes, displayName: `${old.attributes.displayName}x` },
        })),
      )
      await Promise.all([
        ...changes,
        t.catalog.changeTopic(topic.arn, (old) => ({ ...old, attributes: { ...old.attributes, kmsMasterKeyId: 'k' } })),
        t.catalog.putSubscription(t.aSubscription(topic), { expect: 'absent' }),
      ])
      const stored = await t.catalog.readTopic(topic.arn)
      assert.deepEqual(stored?.topic.attributes, { displayName: 'x'.repeat(20), kmsMasterKeyId: 'k' })
    })

    test('changeTopic() gives a new version only when something changed, and stores nothing when the change throws', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      await t.catalog.createTopic(topic)
      const before = await t.catalog.readTopic(topic.arn)
      await t.catalog.changeTopic(topic.arn, (old) => ({ ...old }))
      const refusal = new Error('refused')
      const refuse = () => {
        throw refusal
      }
      await assert.rejects(t.catalog.changeTopic(topic.arn, refuse), refusal)
      await assert.rejects(
        t.catalog.changeTopic(topic.arn, (old) => ({ ...old, arn: 'x' })),
        TypeError,
      )
      await assert.rejects(
        t.catalog.changeTopic(topic.arn, (old) => ({ ...old, incarnation: 'x' })),
        TypeError,
      )
      assert.deepEqual(await t.catalog.readTopic(topic.arn), before)

      // A change that alters the object it was given counts too.
      await t.catalog.changeTopic(topic.arn, (old) => {
        old.attributes.displayName = 'new'
        return old
      })
      const changed = await t.catalog.readTopic(topic.arn)
      assert.equal(changed?.topic.attributes.displayName, 'new')
      assert.notEqual(changed?.version, before?.version)
      assert.equal(await t.catalog.changeTopic(`${topic.arn}2`, (old) => old), undefined)
    })

    test('deleteTopic() takes the subscriptions along, and a new topic of the name starts from nothing', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      const subscription = t.aSubscription(topic)
      await t.catalog.createTopic(topic)
      await t.catalog.putSubscription(subscription, { expect: 'absent' })
      assert.equal(await t.catalog.deleteTopic(topic.arn), true)
      assert.equal(await t.catalog.deleteTopic(topic.arn), false)
      assert.equal(await t.catalog.readTopic(topic.arn), undefined)
      assert.deepEqual(await t.catalog.readSubscriptions(topic.arn), { subscriptions: [], forged: 0 })
      assert.equal(await t.redis.exists(...keys.allOf(topic.arn)), 0)

      assert.equal(await t.catalog.putSubscription(subscription, { expect: 'absent' }), false)
      const again = { ...topic, incarnation: randomBytes(16).toString('hex') }
      assert.deepEqual(await t.catalog.createTopic(again), { created: true, topic: again })
      assert.equal(await t.catalog.putSubscription(subscription, { expect: 'absent' }), false)
      assert.equal(await t.redis.exists(...keys.allOf(topic.arn).slice(1)), 0)
    })

    test('listTopics() pages through one account and region in order', async () => {
      await using t = await setup()
      const names = ['b', 'a', 'e', 'd', 'c']
      for (const name of names) await t.catalog.createTopic(t.aTopic({ name }))
      await t.catalog.createTopic(t.aTopic({ name: 'elsewhere', region: 'eu-west-1' }))
      const page = { account: t.account, region: 'us-east-1', limit: 2 }
      const first = await t.catalog.listTopics(page)
      const second = await t.catalog.listTopics({ ...page, ...(first.next ? { after: first.next } : {}) })
      const third = await t.catalog.listTopics({ ...page, ...(second.next ? { after: second.next } : {}) })
      assert.deepEqual(
        [...first.arns, ...second.arns, ...third.arns],
        names.toSorted().map((name) => topicArnOf({ region: 'us-east-1', account: t.account, name })),
      )
      assert.equal(third.next, undefined)
      const whole = await t.catalog.listTopics({ ...page, limit: 5 })
      assert.deepEqual([whole.arns.length, whole.next], [5, undefined])
      for (const limit of [0, 1001, 1.5]) await assert.rejects(t.catalog.listTopics({ ...page, limit }), RangeError)
    })

    test('listTopics() follows creation and deletion, and a create repairs a lost name', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      const list = async () => (await t.catalog.listTopics({ account: t.account, region: 'us-east-1', limit: 10 })).arns
      await t.catalog.createTopic(topic)
      assert.deepEqual(await list(), [topic.arn])
      await t.redis.del(keys.indexKey(t.account, 'us-east-1'))
      await t.catalog.createTopic(topic)
      assert.deepEqual(await list(), [topic.arn])
      await t.catalog.deleteTopic(topic.arn)
      assert.deepEqual(await list(), [])
      await t.redis.zadd(keys.indexKey(t.account, 'us-east-1'), 0, topic.arn)
      await t.catalog.deleteTopic(topic.arn)
      assert.deepEqual(await list(), [])
    })

    test('createTopic() and deleteTopic() at the same time never leave a topic unlisted', async () => {
      await using t = await setup()
      await using second = await setup()
      for (let round = 0; round < 30; round++) {
        const topic = t.aTopic()
        await t.catalog.createTopic(topic)
        await Promise.all([t.catalog.deleteTopic(topic.arn), second.catalog.createTopic(topic)])
        const exists = (await t.catalog.readTopic(topic.arn)) !== undefined
        const { arns } = await t.catalog.listTopics({ account: t.account, region: 'us-east-1', limit: 1000 })
        if (exists) assert.ok(arns.includes(topic.arn))
      }
    })

    test('a forged topic is an alarm and is refused by all that read it', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      await t.catalog.createTopic(topic)
      const key = keys.topicKey(topic.arn)
      const record = String(await t.redis.hget(key, 'record'))
      const forged = { code: 'RECORD_FORGED' }
      const forgeries = [
        () => t.redis.hset(key, 'record', record.replace('"attributes":{', '"attributes":{"kmsMasterKeyId":"mine"')),
        () => t.redis.hset(key, 'record', record, 'mac', '0000000a.x'),
        () => t.redis.hdel(key, 'mac'),
        () => t.redis.hdel(key, 'record'),
      ]
      for (const [n, forge] of forgeries.entries()) {
        await forge()
        await assert.rejects(t.catalog.readTopic(topic.arn), forged)
        await assert.rejects(t.catalog.createTopic(topic), forged)
        await assert.rejects(
          t.catalog.changeTopic(topic.arn, (old) => old),
          forged,
        )
        assert.deepEqual(t.alarms.splice(0), new Array(3).fill({ kind: 'topic', topicArn: topic.arn }), String(n))
      }
      assert.equal(await t.catalog.deleteTopic(topic.arn), true)
    })

    test('a topic that is known and has not changed is given back as it is', async () => {
      await using t = await setup()
      const [topic, other] = [t.aTopic(), t.aTopic()]
      for (const one of [topic, other]) await t.catalog.createTopic(one)
      const read = async (known?: Topic) => (await t.catalog.readTopic(topic.arn, known))?.topic
      const known = await read()
      assert.notEqual(await read(), known)
      assert.equal(await read(known), known)
      // One that nobody read here, and another topic.
      assert.notEqual(await read(topic), topic)
      assert.deepEqual(await read((await t.catalog.readTopic(other.arn))?.topic), topic)

      await t.catalog.changeTopic(topic.arn, (old) => ({ ...old, attributes: { displayName: 'new' } }))
      const changed = await read(known)
      assert.equal(changed?.attributes.displayName, 'new')
      assert.equal(await read(changed), changed)
      const [record, mac] = await t.redis.hmget(keys.topicKey(topic.arn), 'record', 'mac')
      for (const forge of [
        () => t.redis.hset(keys.topicKey(topic.arn), 'record', '{}'),
        () => t.redis.hdel(keys.topicKey(topic.arn), 'record'),
        () => t.redis.hdel(keys.topicKey(topic.arn), 'mac'),
      ]) {
        await forge()
        await assert.rejects(read(changed), { code: 'RECORD_FORGED' })
      }
      // An authentic record under another topic's name is none, whoever knows it.
      await t.redis.hset(keys.topicKey(other.arn), { record, mac, incarnation: topic.incarnation })
      await assert.rejects(t.catalog.readTopic(other.arn, changed), { code: 'RECORD_FORGED' })
    })

    test('a key of another type is an alarm and is refused, for this topic alone', async () => {
      await using t = await setup()
      const [topic, other] = [t.aTopic(), t.aTopic()]
      for (const one of [topic, other]) await t.catalog.createTopic(one)
      const { arn } = topic
      const forged = { code: 'RECORD_FORGED' }
      await t.redis.del(keys.topicKey(arn))
      await t.redis.set(keys.topicKey(arn), 'x')
      await assert.rejects(t.catalog.readTopic(arn), forged)
      await assert.rejects(t.catalog.createTopic(topic), forged)
      await assert.rejects(
        t.catalog.changeTopic(arn, (old) => old),
        forged,
      )
      assert.deepEqual(t.alarms.splice(0), new Array(3).fill({ kind: 'topic', topicArn: arn }))
      const [version, otherVersion] = await t.catalog.readVersions([arn, other.arn])
      assert.equal(version, undefined)
      assert.equal(otherVersion, (await t.catalog.readTopic(other.arn))?.version)

      assert.equal(await t.catalog.deleteTopic(arn), true)
      await t.catalog.createTopic(topic)
      assert.equal((await t.catalog.readTopic(arn))?.topic.arn, arn)
    })

    test('a topic whose incarnation was altered or whose version is gone', async () => {
      await using t = await setup()
      const topic = t.aTopic()
      await t.catalog.createTopic(topic)
      const key = keys.topicKey(topic.arn)
      await t.redis.hdel(key, 'version')
      assert.deepEqual(await t.catalog.readTopic(topic.arn), { topic, version: '' })
      assert.deepEqual(await t.catalog.readVersions([topic.arn]), [undefined])
      assert.deepEqual(t.alarms, [])
      for (const alter of [() => t.redis.hset(key, 'incarnation', 'x'), () => t.redis.hdel(key, 'incarnation')]) {
        await alter()
        await assert.rejects(t.catalog.readTopic(topic.arn), { code: 'RECORD_FORGED' })
        assert.deepEqual(t.alarms.splice(0), [{ kind: 'topic', topicArn: topic.arn }])
      }
    })

    test('listTopics() leaves out names that can be no topic of the account and region', async () => {
      await using t = await setup()
      const topic = t.aTopic({ name: 'm' })
      await t.catalog.createTopic(topic)
      const key = keys.indexKey(t.account, 'us-east-1')
      const prefix = topicArnOf({ region: 'us-east-1', account: t.account, name: '' })
      for (const name of ['a', '\u0000', `${prefix}`, `${prefix}a b`, `${prefix}z\n`, `${prefix}a:b`, 'zz'])
        await t.redis.zadd(key, 0, name)
      await t.redis.zadd(key, 0, topicArnOf({ region: 'eu-west-1', account: t.account, name: 'm' }))
      const arns: string[] = []
      let after: string | undefined
      do {
        const page = await t.catalog.listTopics({
          account: t.account,
          region: 'us-east-1',
          limit: 2,
          ...(after === undefined ? {} : { after }),
        })
        arns.push(...page.arns)
        after = page.next
      } while (after !== undefined)
      assert.deepEqual(arns, [topic.arn])
    })

    test('readVersions() answers in order, with undefined where there is no topic', async () => {
      await using t = await setup()
      const topics = [t.aTopic(), t.aTopic()]
      for (const topic of topics) await t.catalog.createTopic(topic)
      const [a, b] = topics.map(({ arn }) => arn)
      assert.ok(a && b)
      const versions = await t.catalog.readVersions([a, `${a}2`, b, a])
      assert.deepEqual(versions, [
        (await t.catalog.readTopic(a))?.version,
        undefined,
        (await t.catalog.readTopic(b))?.version,
        (await t.catalog.readTopic(a))?.version,
      ])
      assert.notEqual(versions[0], versions[2])
      assert.deepEqual(await t.catalog.readVersions([]), [])
    })
  })
}

suite('a catalog when Redis fails', () => {
  test('a full Redis refuses to create and still deletes', async () => {
    await using server = await startTestRedis()
    await using t = await openCatalogStage(server.url)
    const topic = t.aTopic()
    const subscription = t.aSubscription(topic)
    await t.catalog.createTopic(topic)
    await t.catalog.putSubscription(subscription, { expect: 'absent' })
    await server.cli('config', 'set', 'maxmemory-policy', 'noeviction', 'maxmemory', '1')
    await assert.rejects(t.catalog.createTopic(t.aTopic()), { code: 'REDIS_REFUSED' })
    assert.equal(await t.catalog.removeSubscription(subscription), true)
    assert.equal(await t.catalog.deleteTopic(topic.arn), true)
  })

  test('says unavailable when Redis is gone', async () => {
    await using server = await startTestRedis()
    await using t = await openCatalogStage(server.url)
    const closed = new Promise((resolve) => t.redis.once('close', resolve))
    server.kill()
    await closed
    const unavailable = { code: 'REDIS_UNAVAILABLE' }
    const { arn } = t.aTopic()
    await assert.rejects(t.catalog.createTopic(t.aTopic()), unavailable)
    await assert.rejects(t.catalog.readTopic(arn), unavailable)
    await assert.rejects(t.catalog.readVersions([arn]), unavailable)
    await assert.rejects(t.catalog.readSubscriptions(arn), unavailable)
  })
})
