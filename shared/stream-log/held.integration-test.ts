import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { decodeEntry, keys } from './index.ts'
import { type LeaseStage, shareServer } from './testing/lease-stage.ts'

const KEY = 'arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555'
const OTHER_KEY = KEY.replace('11111111', '99999999')

// The same on both: a script that crosses a slot fails on the second.
for (const mode of ['standalone', 'cluster'] as const) {
  suite(`held messages, ${mode}`, () => {
    const shared = shareServer({ cluster: mode === 'cluster' })
    after(() => shared.dispose())

    test('hold() moves entries as they are, in order, and settles them in the stream', async () => {
      await using t = await shared.setup()
      const entries = [t.anEntry({ body: Buffer.from([0, 255, 13, 10]) }), t.anEntry(), t.anEntry()]
      await t.appender.appendBatch(entries)
      const claimed = await t.lease.claim(10)
      const [first, second, third] = claimed.map(({ streamId }) => streamId)
      assert.ok(first && second && third)
      assert.deepEqual(await t.lease.hold(KEY, [first, third]), { held: 2, foreign: false })
      assert.deepEqual(await pendingOf(t), [second])
      assert.equal(await t.redis.xlen(t.stream), 1)
      assert.deepEqual(await heldEntries(t), [entries[0], entries[2]])
      assert.deepEqual(await t.lease.listHeldKeys(), [KEY])
    })

    test('hold() done again holds nothing twice', async () => {
      await using t = await shared.setup()
      await t.appender.append(t.anEntry())
      const [claimed] = await t.lease.claim(1)
      assert.ok(claimed)
      await t.lease.hold(KEY, [claimed.streamId])
      assert.equal((await t.lease.hold(KEY, [claimed.streamId])).held, 1)
      assert.equal((await heldEntries(t)).length, 1)
    })

    test('hold() moves more entries than one script takes', async () => {
      await using t = await shared.setup()
      const entries = Array.from({ length: 130 }, () => t.anEntry())
      await t.appender.appendBatch(entries)
      const claimed = await t.lease.claim(1000)
      const ids = claimed.map(({ streamId }) => streamId)
      assert.equal((await t.lease.hold(KEY, ids)).held, 130)
      assert.deepEqual(await pendingOf(t), [])
      assert.deepEqual(
        (await heldEntries(t)).map(({ messageId }) => messageId),
        entries.map(({ messageId }) => messageId),
      )
    })

    test('hold() replaces what is no stream and no set, and says so', async () => {
      await using t = await shared.setup()
      await t.appender.append(t.anEntry())
      const [claimed] = await t.lease.claim(1)
      assert.ok(claimed)
      await t.redis.set(keys.heldKey(t.partition, KEY), 'x')
      await t.redis.set(keys.heldKeysKey(t.partition), 'x')
      assert.deepEqual(await t.lease.hold(KEY, [claimed.streamId]), { held: 1, foreign: true })
      assert.equal((await heldEntries(t)).length, 1)
    })

    test('leaveHeld() takes messages out, and the stream and its name with the last', async () => {
      await using t = await shared.setup()
      await holdSome(t, 3)
      const [first, ...others] = (await t.lease.readHeld(KEY, '0', 10)).map(({ heldId }) => heldId)
      assert.ok(first)
      assert.equal(await t.lease.leaveHeld(KEY, [first]), 2)
      assert.equal(await t.lease.leaveHeld(KEY, [first]), 2)
      assert.deepEqual(await t.lease.listHeldKeys(), [KEY])
      assert.equal(await t.lease.leaveHeld(KEY, others), 0)
      assert.equal(await t.redis.exists(keys.heldKey(t.partition, KEY)), 0)
      assert.equal(await t.redis.exists(keys.heldKeysKey(t.partition)), 0)
    })

    test('readHeld() gives pages, oversized entries without their fields, and nothing of what is no stream', async () => {
      await using t = await shared.setup()
      await holdSome(t, 3)
      const [first, second] = await t.lease.readHeld(KEY, '0', 2)
      assert.ok(first && second)
      assert.equal((await t.lease.readHeld(KEY, second.heldId, 2)).length, 1)
      await t.redis.xadd(keys.heldKey(t.partition, OTHER_KEY), '*', 'body', 'x'.repeat(3 * 1024 * 1024))
      const [oversized] = await t.lease.readHeld(OTHER_KEY, '0', 2)
      assert.ok(oversized?.kind === 'entry' && oversized.fields.size === 0)
      await t.redis.set(keys.heldKey(t.partition, `${KEY}x`), 'x')
      assert.deepEqual(await t.lease.readHeld(`${KEY}x`, '0', 2), [])
      assert.equal(await t.lease.leaveHeld(`${KEY}x`, []), 0)
    })

    test('quarantineHeld() moves a held entry to the quarantine', async () => {
      await using t = await shared.setup()
      await holdSome(t, 2)
      const [first] = await t.lease.readHeld(KEY, '0', 1)
      assert.ok(first)
      assert.equal(await t.lease.quarantineHeld(KEY, first.heldId, 'RECORD_FORGED'), 1)
      assert.equal(await t.lease.quarantineHeld(KEY, first.heldId, 'RECORD_FORGED'), 1)
      assert.equal(await t.redis.xlen(keys.quarantineKey(t.partition)), 1)
      assert.equal((await heldEntries(t)).length, 1)
    })

    test('holdReference() and resumeReference() carry a retry and a backlog reference through', async () => {
      await using t = await shared.setup()
      const { messageId, backlogId } = await handOffSome(t)
      const wait = { messageId, acceptedAt: 7 }
      const once = () => t.lease.holdReference(KEY, { ...wait, subscriptionId: 'waits', backlogId })
      assert.deepEqual(await once(), { held: 1, left: 0 })
      assert.deepEqual(await once(), { held: 1, left: 0 })
      const retry = { ...wait, subscriptionId: 'retries', backlogId: undefined }
      assert.equal((await t.lease.holdReference(KEY, retry)).held, 2)
      assert.deepEqual(await t.lease.listBacklogs(), [])
      assert.deepEqual(
        [...((await t.lease.readBody(messageId))?.open ?? [])],
        [
          ['waits', { attemptsMade: 0, waits: true, held: true }],
          ['retries', { attemptsMade: 2, waits: false, held: true }],
        ],
      )
      assert.deepEqual(
        (await t.lease.readHeld(KEY, '0', 9)).map((one) => one.kind === 'reference' && one.subscriptionId),
        ['waits', 'retries'],
      )

      const resumed = await t.lease.resumeReference({ messageId, subscriptionId: 'waits' }, 1_000)
      assert.ok(resumed.kind === 'backlog')
      assert.deepEqual(await t.lease.readBacklog('waits', '0', 9), [{ backlogId: resumed.backlogId, messageId }])
      assert.deepEqual(await t.lease.resumeReference({ messageId, subscriptionId: 'retries' }, 1_000), {
        kind: 'retry',
      })
      assert.deepEqual(
        [...((await t.lease.readBody(messageId))?.open ?? [])],
        [
          ['waits', { attemptsMade: 0, waits: true }],
          ['retries', { attemptsMade: 2, waits: false, resumedAt: 1_000 }],
        ],
      )
      // Done again after a crash, nothing is lined up twice and no age begins anew.
      await t.lease.resumeReference({ messageId, subscriptionId: 'waits' }, 2_000)
      await t.lease.resumeReference({ messageId, subscriptionId: 'retries' }, 2_000)
      assert.equal((await t.lease.readBacklog('waits', '0', 9)).length, 1)
      assert.equal((await t.lease.readBody(messageId))?.open.get('retries')?.resumedAt, 1_000)
    })

    test('holdReference() of a closed subscription holds nothing, and resumeReference() says that it is closed', async () => {
      await using t = await shared.setup()
      const { messageId, backlogId } = await handOffSome(t)
      await t.lease.settleSubscription(messageId, 'waits')
      const reference = { messageId, subscriptionId: 'waits', acceptedAt: 7, backlogId }
      assert.deepEqual(await t.lease.holdReference(KEY, reference), { held: 0, left: 0 })
      assert.deepEqual(await t.lease.resumeReference(reference, 1), { kind: 'closed' })
      assert.deepEqual(await t.lease.listHeldKeys(), [])
    })

    test('every script that moves held messages does nothing without the lease', async () => {
      await using t = await shared.setup()
      await holdSome(t, 1)
      await t.appender.append(t.anEntry())
      const [claimed] = await t.lease.claim(1)
      const [held] = await t.lease.readHeld(KEY, '0', 1)
      assert.ok(claimed && held)
      const { messageId, backlogId } = await handOffSome(t)
      const reference = { messageId, subscriptionId: 'waits', acceptedAt: 7, backlogId }
      await t.redis.set(keys.leaseKey(t.partition), 'somebody else')
      const before = await dump(t)
      for (const work of [
        () => t.lease.hold(KEY, [claimed.streamId]),
        () => t.lease.holdReference(KEY, reference),
        () => t.lease.resumeReference(reference, 1),
        () => t.lease.readHeld(KEY, '0', 1),
        () => t.lease.leaveHeld(KEY, [held.heldId]),
        () => t.lease.quarantineHeld(KEY, held.heldId, 'X'),
      ]) {
        await assert.rejects(work(), { code: 'LEASE_LOST' })
      }
      assert.deepEqual(await dump(t), before)
    })

    test('listHeldKeys() takes nothing for a key that is no ARN of one', async () => {
      await using t = await shared.setup()
      await t.redis.sadd(keys.heldKeysKey(t.partition), 'x', `${KEY}\n`, `${KEY}{p:1}`, KEY)
      assert.deepEqual(await t.lease.listHeldKeys(), [KEY])
    })
  })
}

async function holdSome(t: LeaseStage, count: number): Promise<void> {
  await t.appender.appendBatch(Array.from({ length: count }, () => t.anEntry()))
  const claimed = await t.lease.claim(count)
  await t.lease.hold(
    KEY,
    claimed.map(({ streamId }) => streamId),
  )
}

/** A message with two subscriptions: one waits in its backlog, one is in the retry schedule after two attempts. */
async function handOffSome(t: LeaseStage): Promise<{ messageId: string; backlogId: string }> {
  const entry = t.anEntry()
  await t.appender.append(entry)
  const [claimed] = await t.lease.claim(1)
  assert.ok(claimed)
  const { backlogIds } = await t.lease.handOff(claimed, {
    messageId: entry.messageId,
    open: [
      { subscriptionId: 'waits', attemptsMade: 0, waits: true },
      { subscriptionId: 'retries', attemptsMade: 2, waits: false },
    ],
  })
  await t.lease.settle([claimed.streamId])
  return { messageId: entry.messageId, backlogId: backlogIds.get('waits') ?? '' }
}

async function heldEntries(t: LeaseStage) {
  const held = await t.lease.readHeld(KEY, '0', 1000)
  return held.map((one) => {
    assert.ok(one.kind === 'entry')
    return decodeEntry(one.fields, t.recordMac)
  })
}

async function pendingOf(t: LeaseStage): Promise<string[]> {
  return (await t.lease.reread('0', 1000)).map(({ streamId }) => streamId)
}

/** All that the partition has in Redis. */
async function dump(t: LeaseStage): Promise<unknown> {
  const { partition, redis } = t
  const found: Record<string, unknown> = {}
  for (const key of [keys.streamKey(partition), keys.heldKey(partition, KEY), keys.quarantineKey(partition)]) {
    found[key] = await redis.xrange(key, '-', '+')
  }
  found.keys = await redis.smembers(keys.heldKeysKey(partition))
  return found
}
