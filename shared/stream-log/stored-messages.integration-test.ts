import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { startTestRedis } from '#shared/test-redis'
import { type Entry, keys, readStoredMessages, type StoredMessage } from './index.ts'
import { type LeaseStage, setupOn } from './testing/lease-stage.ts'

const KEY = 'arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555'

for (const mode of ['standalone', 'cluster'] as const) {
  suite(`readStoredMessages(), ${mode}`, () => {
    const starting = startTestRedis({ cluster: mode === 'cluster' })
    let partition = 0
    const setup = async () => {
      // Everything that is stored is read, so nothing of the test before may be left.
      await using before = await setupOn(await starting, partition, { acquire: false })
      await before.redis.flushall()
      return setupOn(await starting, partition++, {})
    }
    after(async () => (await starting)[Symbol.asyncDispose]())

    test('gives each message once, in the state in which it waits', async () => {
      await using t = await setup()
      const [plain, held, retrying, backlogged, heldReference, forged] = Array.from({ length: 6 }, () => t.anEntry())
      assert.ok(plain && held && retrying && backlogged && heldReference && forged)
      await t.appender.appendBatch([held, retrying, backlogged, heldReference, forged, plain])
      const claimed = await t.lease.claim(5)
      const [first, second, third, fourth, fifth] = claimed
      assert.ok(first && second && third && fourth && fifth)
      await t.lease.hold(KEY, [first.streamId])
      await handOff(t, second, retrying, { attemptsMade: 1, waits: false })
      await handOff(t, third, backlogged, { attemptsMade: 0, waits: true })
      await handOff(t, fourth, heldReference, { attemptsMade: 1, waits: false })
      await t.lease.holdReference(KEY, { ...aReference(heldReference), acceptedAt: 1, backlogId: undefined })
      await t.lease.quarantine(fifth, 'RECORD_FORGED')
      assert.deepEqual(
        await statesOf(t),
        [
          [plain.messageId, 'undelivered'],
          [held.messageId, 'held'],
          [retrying.messageId, 'retrying'],
          [backlogged.messageId, 'backlogged'],
          [heldReference.messageId, 'held'],
          [forged.messageId, 'quarantined'],
        ].toSorted(),
      )
    })

    test('reads more than a page, and nothing that is appended after it began', async () => {
      await using t = await setup()
      await t.appender.appendBatch(Array.from({ length: 128 }, () => t.anEntry()))
      let count = 0
      for await (const page of readStoredMessages({ redis: t.redis, partitions: 64 })) {
        if (count === 0) await t.appender.appendBatch(Array.from({ length: 10 }, () => t.anEntry()))
        count += page.length
      }
      assert.equal(count, 128)
    })

    // At the moments between two pages of it, which is when something can be missed.
    test('misses no message that moves on while it reads', async () => {
      await using t = await setup()
      const entries = Array.from({ length: 200 }, () => t.anEntry())
      await t.appender.appendBatch(entries)
      const claimed = await t.lease.claim(200)
      let moved = 0
      const seen = new Set<string>()
      for await (const page of readStoredMessages({ redis: t.redis, partitions: 64 })) {
        for (const { fields } of page) seen.add(String(fields.get('id')))
        // The last ones first: those which it has not come to yet.
        for (let n = 0; n < 40 && moved < claimed.length; n++, moved++) {
          const at = claimed.length - 1 - moved
          const [one, entry] = [claimed[at], entries[at]]
          assert.ok(one && entry)
          if (n % 2 === 0) await t.lease.hold(KEY, [one.streamId])
          else await handOff(t, one, entry, { attemptsMade: 1, waits: n % 4 === 1 })
        }
        for (const held of await t.lease.readHeld(KEY, '0', 10)) {
          if (held.kind !== 'entry') continue
          const entry = entries.find(({ messageId }) => messageId === String(held.fields.get('id')))
          assert.ok(entry)
          const state = { subscriptionId: SUBSCRIPTION, attemptsMade: 1, waits: false }
          await t.lease.handOff(
            { streamId: held.heldId, fields: held.fields },
            { messageId: entry.messageId, open: [state] },
          )
          await t.lease.leaveHeld(KEY, [held.heldId])
        }
      }
      assert.ok(moved > 100)
      assert.deepEqual(entries.filter(({ messageId }) => !seen.has(messageId)).length, 0)
    })

    test('finds held messages whose key nobody lists, and passes over keys of another type', async () => {
      await using t = await setup()
      const entry = t.anEntry()
      await t.appender.append(entry)
      const [claimed] = await t.lease.claim(1)
      assert.ok(claimed)
      await t.lease.hold(KEY, [claimed.streamId])
      await t.redis.del(keys.heldKeysKey(t.partition))
      for (const key of [
        keys.bodyKey(t.partition, 'x'),
        keys.quarantineKey(t.partition),
        keys.heldKey(t.partition, 'y'),
      ]) {
        await t.redis.set(key, 'x')
      }
      assert.deepEqual(await statesOf(t), [[entry.messageId, 'held']])
    })

    test('gives an entry that is longer than any of ours without its fields', async () => {
      await using t = await setup()
      await t.redis.xadd(t.stream, '*', 'x', 'x'.repeat(3_000_000))
      const all = await readAll(t)
      assert.deepEqual(
        all.map(({ fields }) => fields.size),
        [0],
      )
    })
  })
}

const SUBSCRIPTION = '00000000-0000-4000-8000-00000000000a'

const aReference = ({ messageId }: Entry) => ({ messageId, subscriptionId: SUBSCRIPTION })

async function handOff(
  t: LeaseStage,
  claimed: { streamId: string; fields: ReadonlyMap<string, Buffer> },
  entry: Entry,
  state: { attemptsMade: number; waits: boolean },
): Promise<void> {
  await t.lease.handOff(claimed, { messageId: entry.messageId, open: [{ subscriptionId: SUBSCRIPTION, ...state }] })
  await t.lease.settle([claimed.streamId])
}

async function statesOf(t: LeaseStage): Promise<[string, string][]> {
  const found = await readAll(t)
  return found.map(({ fields, state }): [string, string] => [String(fields.get('id')), state]).toSorted()
}

async function readAll({ redis }: LeaseStage): Promise<StoredMessage[]> {
  const all: StoredMessage[] = []
  for await (const page of readStoredMessages({ redis, partitions: 64 })) all.push(...page)
  return all
}
