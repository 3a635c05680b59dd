import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { type DataKeyPair, recordNameOf } from './data-key-pair.ts'
import { encodeDataKeyRecord } from './data-key-record.ts'
import { pair, record } from './data-key-store-conformance.ts'
import { listDataKeys } from './list-data-keys.ts'

suite('listDataKeys()', () => {
  test('gives the records of all pairs, but not locks', async () => {
    await using t = await setup()
    const other = { ...pair, topicArn: `${pair.topicArn}-2`, principal: 'arn:aws:iam::000000000000:user/bob' }
    for (const one of [pair, other]) await t.put(one)
    await t.redis.set(`${keyOf(pair)}:lock`, 'x')
    const found = (await t.listAll()).toSorted((a, b) => (a.topicArn < b.topicArn ? -1 : 1))
    assert.deepEqual(found, [
      { ...pair, ...record },
      { ...other, ...record },
    ])
    assert.deepEqual(t.reports, [])
  })

  test('reports what none of us wrote there and leaves it out', async () => {
    await using t = await setup()
    await t.put(pair)
    const genuine = (await t.redis.get(keyOf(pair))) ?? ''
    const forgeries = [genuine.replace('key/0', 'key/1'), 'x']
    for (const forged of forgeries) {
      await t.redis.set(keyOf(pair), forged)
      assert.deepEqual(await t.listAll(), [])
    }
    await t.redis.set(keyOf({ ...pair, principal: 'arn:aws:iam::000000000000:user/mallory' }), genuine)
    await t.redis.multi().del(keyOf(pair)).rpush(keyOf(pair), 'x').exec()
    assert.deepEqual(await t.listAll(), [])
    assert.deepEqual(t.reports, new Array(4).fill({ kind: 'data-key', topicArn: pair.topicArn }))
  })

  test('passes over names that are no topic’s: operators’ terminals are shown the topic of what is reported', async () => {
    await using t = await setup()
    await t.redis.set(`sealcast:{t:arn:\x1b[2J}:datakey:${recordNameOf(pair)}`, 'x')
    assert.deepEqual(await t.listAll(), [])
    assert.deepEqual(t.reports, [])
  })
})

function keyOf(of: DataKeyPair): string {
  return `sealcast:{t:${of.topicArn}}:datakey:${recordNameOf(of)}`
}

async function setup() {
  const server = await startTestRedis()
  const redis = openRedis({ url: server.url, name: 'test' })
  await whenReady(redis)
  const secrets = new Map([['0000000a', createSecretKey(Buffer.alloc(32, 1))]])
  const recordMac = createRecordMac(createSecretRing('0000000a', secrets))
  const reports: unknown[] = []
  return {
    redis,
    reports,
    put: (of: DataKeyPair) => redis.set(keyOf(of), encodeDataKeyRecord(record, of, recordMac)),
    async listAll() {
      const all = []
      for await (const some of listDataKeys({ redis, recordMac, onForged: (what) => reports.push(what) }))
        all.push(...some)
      return all
    },
    async [Symbol.asyncDispose]() {
      await closeRedis(redis)
      await server[Symbol.asyncDispose]()
    },
  }
}
