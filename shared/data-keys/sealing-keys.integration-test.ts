import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { systemClock } from '#shared/clock'
import { createKmsClient } from '#shared/kms-client'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'
import { startTestKms } from '#shared/test-kms'
import { startTestRedis } from '#shared/test-redis'
import type { DataKeySource } from './data-key-source.ts'
import { createDataKeyStore } from './data-key-store.ts'
import { pair } from './data-key-store-conformance.ts'
import { createFakeDataKeySource } from './fake-data-key-source.ts'
import type { IssuedDataKey } from './issue-data-key.ts'
import { createSealingKeys } from './sealing-keys.ts'

suite('several gateways on one Redis', () => {
  for (const cluster of [false, true]) {
    test(`obtain one key for 3,000 first uses at once, ${cluster ? 'in cluster mode' : 'standalone'}`, async () => {
      await using redis = await setup({ cluster })
      const gateways = [await redis.gateway(), await redis.gateway(), await redis.gateway()]
      const ids = await Promise.all(Array.from({ length: 3_000 }, (_, at) => gateways[at % 3]?.use(pair, idOf)))
      assert.equal(new Set(ids).size, 1)
      assert.deepEqual([redis.kms.count('GenerateDataKey'), redis.kms.count('Decrypt')], [1, 2])
    })
  }

  test('wait for the one that asks KMS, for as long as it does', async () => {
    await using redis = await setup()
    const [first, second] = [await redis.gateway(), await redis.gateway()]
    const stalled = redis.kms.stall()
    const asking = first.use(pair, idOf)
    const waiting = second.use(pair, idOf)
    await redis.commands('SET', 5)
    assert.equal(redis.kms.calls.length, 1)
    stalled.release()
    assert.equal(await asking, await waiting)
    assert.deepEqual([redis.kms.count('GenerateDataKey'), redis.kms.count('Decrypt')], [1, 1])
  })

  test('replace a forged record', async () => {
    await using redis = await setup()
    const first = await (await redis.gateway()).use(pair, idOf)
    await redis.commands('EVAL', 1)
    const [key = ''] = (await redis.server.cli('KEYS', '*:datakey:*')).split('\n')
    await redis.server.cli('SET', key, 'forged')
    const second = await (await redis.gateway()).use(pair, idOf)
    assert.notEqual(second, first)
    assert.equal(redis.reports.length, 2)
    assert.equal(await (await redis.gateway()).use(pair, idOf), second)
  })

  test('fail without asking KMS while Redis is gone, and recover by themselves', async () => {
    await using redis = await setup()
    const gateway = await redis.gateway()
    redis.watchNoMore()
    await redis.server.stop()
    await assert.rejects(gateway.use(pair, idOf), { code: 'REDIS_UNAVAILABLE' })
    assert.equal(redis.kms.calls.length, 0)
    await redis.server.start()
    await redis.ready()
    await gateway.use(pair, idOf)
  })

  test('keep a key whose record Redis cannot take any more', async () => {
    await using redis = await setup()
    const gateway = await redis.gateway()
    const stalled = redis.kms.stall()
    const asking = gateway.use(pair, idOf)
    await redis.commands('SET', 1)
    await redis.server.stop()
    stalled.release()
    assert.equal(await gateway.use(pair, idOf), await asking)
    assert.equal(redis.kms.calls.length, 1)
  })
})

suite('several gateways on one Redis and a KMS', () => {
  for (const count of [1, 2]) {
    test(`cost one GenerateDataKey by the KMS's log for 3,000 first uses at once, ${count} gateways`, async () => {
      await using redis = await setup()
      await using kms = await startTestKms()
      await kms.addUser(pair.principal)
      const admin = new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials: kms.user })
      const { KeyMetadata: key } = await admin.send(new CreateKeyCommand({}))
      admin.destroy()
      await using client = createKmsClient({ endpoint: kms.endpoint, credential: kms.broker, observe() {} })
      const gateways = await Promise.all(Array.from({ length: count }, () => redis.gateway(client)))
      const ofPair = { ...pair, configuredKeyId: key?.Arn ?? '' }
      const uses = Array.from({ length: 3_000 }, (_, at) => gateways[at % count]?.use(ofPair, idOf))
      assert.equal(new Set(await Promise.all(uses)).size, 1)
      await kms.stop()
      const logged = (name: string) => kms.log.filter(({ operation }) => operation === name).length
      assert.deepEqual([logged('GenerateDataKey'), logged('Decrypt')], [1, count - 1])
    })
  }
})

function idOf({ dataKey }: IssuedDataKey): string {
  return dataKey.id.toString('hex')
}

async function setup({ cluster = false }: { cluster?: boolean } = {}) {
  const server = await startTestRedis({ cluster })
  const connections: Redis[] = []
  const connect = async (name: string) => {
    const redis = openRedis({ url: server.url, name })
    connections.push(redis)
    await whenReady(redis)
    return redis
  }
  const kms = createFakeDataKeySource()
  const secrets = new Map([['0000000a', createSecretKey(Buffer.alloc(32, 1))]])
  const recordMac = createRecordMac(createSecretRing('0000000a', secrets))
  const reports: unknown[] = []
  const monitor = await (await connect('monitor')).monitor()
  connections.push(monitor)
  const seen: string[] = []
  let onCommand = () => {}
  monitor.on('monitor', (_time: string, [command = '']: string[]) => {
    seen.push(command.toUpperCase())
    onCommand()
  })
  return {
    server,
    kms,
    reports,
    /** Resolves once Redis has seen that many commands whose name begins so. */
    commands: (name: string, count: number) =>
      new Promise<void>((resolve) => {
        onCommand = () => {
          if (seen.filter((command) => command.startsWith(name)).length >= count) resolve()
        }
        onCommand()
      }),
    /** Before a restart: ioredis takes a command seen while a monitor reconnects for an answer, and throws from its socket. */
    watchNoMore: () => monitor.disconnect(),
    ready: () => Promise.all(connections.filter((redis) => redis !== monitor).map((redis) => whenReady(redis))),
    /** @param source the fake KMS unless told */
    async gateway(source: DataKeySource = kms) {
      const redis = await connect('gateway')
      const store = createDataKeyStore({ redis, recordMac, onForged: (what) => reports.push(what) })
      return createSealingKeys({ kms: source, store, clock: systemClock, reuseMs: 300_000, onLookup: () => {} })
    },
    async [Symbol.asyncDispose]() {
      for (const redis of connections) await closeRedis(redis)
      await server[Symbol.asyncDispose]()
    },
  }
}
