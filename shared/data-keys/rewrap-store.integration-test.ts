import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { after, suite, test } from 'node:test'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { type EncryptedDataKey, type Rewrapped, rewrapNameOf } from './rewrap-record.ts'
import { createRewrapStore } from './rewrap-store.ts'

const KMS_KEYS = 'arn:aws:kms:us-east-1:000000000000:key/'
const key: EncryptedDataKey = {
  encryptedDataKey: Buffer.from([0, 255, 10, 1]),
  keyArn: `${KMS_KEYS}a`,
  topicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
}
const underB: Rewrapped = { encryptedDataKey: Buffer.from('under b'), keyArn: `${KMS_KEYS}b`, rewrappedAt: 1 }
const underC: Rewrapped = { encryptedDataKey: Buffer.from('under c'), keyArn: `${KMS_KEYS}c`, rewrappedAt: 2 }

for (const mode of ['standalone', 'cluster'] as const) {
  suite(`createRewrapStore(), ${mode}`, () => {
    const starting = startTestRedis({ cluster: mode === 'cluster' })
    after(async () => (await starting)[Symbol.asyncDispose]())

    test('finds what stands in for a data key, and nothing for any other', async () => {
      await using t = await setup()
      assert.equal(await t.store.find(key), undefined)
      assert.equal(await t.put(underB), true)
      assert.deepEqual(pick(await t.store.find(key)), underB)
      for (const other of [
        { ...key, encryptedDataKey: Buffer.from('other') },
        { ...key, keyArn: `${KMS_KEYS}b` },
        { ...key, topicArn: `${key.topicArn}-2` },
      ]) {
        assert.equal(await t.store.find(other), undefined)
      }
      assert.deepEqual(t.reports, [])
    })

    test('replaces a record only as it was looked at', async () => {
      await using t = await setup()
      const { stored: none } = await t.store.look(key)
      await t.put(underB)
      assert.equal(await t.store.replace(key, { by: underC, stored: none }), false)
      assert.equal(await t.put(underC), true)
      assert.deepEqual(pick(await t.store.find(key)), underC)
    })

    test('lists records, and removes them as they were listed', async () => {
      await using t = await setup()
      await t.put(underB)
      const [listed] = await t.listAll()
      assert.ok(listed)
      assert.deepEqual(pick(listed), underB)
      assert.deepEqual(
        [listed.sourceKeyArn, listed.topicArn, listed.name],
        [key.keyArn, key.topicArn, rewrapNameOf(key)],
      )
      await t.put(underC)
      assert.equal(await t.store.remove(listed), false)
      const [again] = await t.listAll()
      assert.ok(again)
      assert.equal(await t.store.remove(again), true)
      assert.deepEqual(await t.listAll(), [])
    })

    test('reports what none of us wrote, takes it for nothing, and stores over it', async () => {
      await using t = await setup()
      await t.put(underB)
      const genuine = (await t.redis.get(t.at)) ?? ''
      const elsewhere = { ...key, encryptedDataKey: Buffer.from('elsewhere') }
      const forgeries: [string, () => Promise<unknown>][] = [
        ['another KMS key', () => t.redis.set(t.at, genuine.replace('key/b', 'key/x'))],
        [
          'another data key',
          () => t.redis.set(t.at, genuine.replace(underB.encryptedDataKey.toString('base64'), 'AAAA')),
        ],
        ['another time', () => t.redis.set(t.at, genuine.replace('"rewrappedAt":1', '"rewrappedAt":9'))],
        ['no text', () => t.redis.set(t.at, Buffer.from([255, 254, 0]))],
        ['nothing', () => t.redis.set(t.at, '')],
        ['a list', () => t.redis.multi().del(t.at).rpush(t.at, 'x').exec()],
      ]
      for (const [what, forge] of forgeries) {
        await forge()
        t.reports.length = 0
        assert.equal(await t.store.find(key), undefined, what)
        assert.deepEqual(t.reports, [{ kind: 'rewrap', topicArn: key.topicArn }], what)
        assert.deepEqual(await t.listAll(), [], what)
        assert.equal(await t.put(underC), true, what)
        assert.deepEqual(pick(await t.store.find(key)), underC, what)
      }
      t.reports.length = 0
      await t.redis.set(`sealcast:{t:${key.topicArn}}:rewrap:${rewrapNameOf(elsewhere)}`, genuine)
      assert.equal(await t.store.find(elsewhere), undefined, 'a genuine one under the name of another')
      assert.equal(t.reports.length, 1)
    })

    test('lists no names that are no topic’s: operators’ terminals are shown the topic of what is reported', async () => {
      await using t = await setup()
      await t.redis.set(`sealcast:{t:arn:\x1b[2J}:rewrap:${rewrapNameOf(key)}`, 'x')
      assert.deepEqual(await t.listAll(), [])
      assert.deepEqual(t.reports, [])
    })

    async function setup() {
      const redis = openRedis({ url: (await starting).url, name: 'test' })
      await whenReady(redis)
      await redis.flushall()
      const secrets = new Map([['0000000a', createSecretKey(Buffer.alloc(32, 1))]])
      const recordMac = createRecordMac(createSecretRing('0000000a', secrets))
      const reports: unknown[] = []
      const store = createRewrapStore({ redis, recordMac, onForged: (what) => reports.push(what) })
      return {
        redis,
        store,
        reports,
        at: `sealcast:{t:${key.topicArn}}:rewrap:${rewrapNameOf(key)}`,
        put: async (by: Rewrapped) => store.replace(key, { by, stored: (await store.look(key)).stored }),
        async listAll() {
          const all = []
          for await (const some of store.list()) all.push(...some)
          return all
        },
        [Symbol.asyncDispose]: () => closeRedis(redis),
      }
    }
  })
}

function pick(found: Rewrapped | undefined): Rewrapped | undefined {
  return found && { encryptedDataKey: found.encryptedDataKey, keyArn: found.keyArn, rewrappedAt: found.rewrappedAt }
}
