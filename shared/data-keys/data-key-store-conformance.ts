/** What every data-key store must do; run on the one in Redis and on the one in memory. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { DataKeyPair } from './data-key-pair.ts'
import type { DataKeyRecord } from './data-key-record.ts'
import type { DataKeyStore } from './data-key-store.ts'

export interface StoreUnderTest {
  store: DataKeyStore
  /** Lets the pair's lock run out. */
  expireLock(pair: DataKeyPair): Promise<void>
  /** Lets at least so much time pass, by the store's clock. */
  passTime(ms: number): Promise<unknown>
  /** Empties the store. */
  clear(): Promise<void>
  close(): Promise<void>
}

export const pair: DataKeyPair = {
  topicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
  principal: 'arn:aws:iam::000000000000:user/alice',
  configuredKeyId: 'alias/orders',
}

export const record: DataKeyRecord = {
  dataKeyId: Buffer.alloc(16, 1),
  encryptedDataKey: Buffer.alloc(184, 2),
  keyArn: 'arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000001',
  issuedAt: 1_767_225_600_000,
  notAfter: 1_767_225_900_000,
}

const otherRecord: DataKeyRecord = { ...record, dataKeyId: Buffer.alloc(16, 3) }
const lifeMs = 300_000
const leaseMs = 60_000

/** @param open once for all cases: a Redis in cluster mode takes two seconds to start */
export function testDataKeyStore(name: string, open: () => Promise<StoreUnderTest>): void {
  suite(name, () => {
    let opened: Promise<StoreUnderTest>
    before(() => {
      opened = open()
    })
    after(async () => (await opened).close())
    const testWith = (title: string, run: (tested: StoreUnderTest) => Promise<void>) =>
      test(title, async () => {
        const tested = await opened
        await tested.clear()
        await run(tested)
      })

    testWith('has no record at first', async ({ store }) => {
      assert.equal(await store.read(pair), undefined)
    })

    testWith('returns the record that was written, for its pair only', async ({ store }) => {
      const token = await lock(store)
      assert.equal(await store.write(pair, { record, token, leaseMs, lifeMs }), true)
      assert.deepEqual(await recordOf(store), record)
      for (const other of otherPairs) assert.equal(await store.read(other), undefined)
    })

    testWith('gives the lock of a pair to one at a time, and each pair its own', async ({ store }) => {
      await lock(store)
      assert.equal(await store.lock(pair, leaseMs), undefined)
      for (const other of otherPairs) assert.notEqual(await store.lock(other, leaseMs), undefined)
    })

    testWith('gives the lock again once it was released or has run out', async ({ store, expireLock }) => {
      await store.unlock(pair, await lock(store))
      await lock(store)
      await expireLock(pair)
      await lock(store)
    })

    testWith('releases the lock for its own token only', async ({ store }) => {
      const token = await lock(store)
      await store.unlock(pair, 'another')
      assert.equal(await store.lock(pair, leaseMs), undefined)
      await store.unlock(pair, token)
      await lock(store)
    })

    testWith('releases the lock when it writes', async ({ store }) => {
      await store.write(pair, { record, token: await lock(store), leaseMs, lifeMs })
      await lock(store)
    })

    testWith('lets the holder of the lock replace a record', async ({ store }) => {
      await store.write(pair, { record, token: await lock(store), leaseMs, lifeMs })
      assert.equal(await store.write(pair, { record: otherRecord, token: await lock(store), leaseMs, lifeMs }), true)
      assert.deepEqual(await recordOf(store), otherRecord)
    })

    testWith(
      'refuses a record of one whose lock another holds now, and leaves that lock',
      async ({ store, expireLock }) => {
        const late = await lock(store)
        await expireLock(pair)
        await lock(store)
        assert.equal(await store.write(pair, { record, token: late, leaseMs, lifeMs }), false)
        assert.equal(await store.read(pair), undefined)
        assert.equal(await store.lock(pair, leaseMs), undefined)
      },
    )

    testWith(
      'refuses a record of one who lost the lock when another has stored since',
      async ({ store, expireLock }) => {
        const late = await lock(store)
        await expireLock(pair)
        await store.write(pair, { record: otherRecord, token: await lock(store), leaseMs, lifeMs })
        assert.equal(await store.write(pair, { record, token: late, leaseMs, lifeMs }), false)
        assert.deepEqual(await recordOf(store), otherRecord)
      },
    )

    testWith('refuses a record of one whose lock ran out', async ({ store, expireLock }) => {
      const late = await lock(store)
      await expireLock(pair)
      assert.equal(await store.write(pair, { record, token: late, leaseMs, lifeMs }), false)
      assert.equal(await store.read(pair), undefined)
    })

    testWith("says what is left of a key's life, counted from the lock", async ({ store, passTime }) => {
      const token = await lock(store)
      await passTime(20)
      await store.write(pair, { record, token, leaseMs, lifeMs })
      await passTime(20)
      const left = (await store.read(pair))?.lifeMs ?? assert.fail('no record')
      assert.ok(left <= lifeMs - 40 && left > lifeMs - 10_000, String(left))
    })

    testWith('stores no key whose life ended while it was obtained', async ({ store, passTime }) => {
      const token = await lock(store)
      await passTime(20)
      assert.equal(await store.write(pair, { record, token, leaseMs, lifeMs: 20 }), false)
      assert.equal(await store.read(pair), undefined)
      await lock(store)
    })
  })
}

const otherPairs: readonly DataKeyPair[] = [
  { ...pair, topicArn: `${pair.topicArn}2` },
  { ...pair, principal: `${pair.principal}2` },
  { ...pair, configuredKeyId: `${pair.configuredKeyId}2` },
]

async function recordOf(store: DataKeyStore): Promise<DataKeyRecord | undefined> {
  return (await store.read(pair))?.record
}

async function lock(store: DataKeyStore): Promise<string> {
  const token = await store.lock(pair, leaseMs)
  assert.ok(token !== undefined, 'the lock is free')
  return token
}
