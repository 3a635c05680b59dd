import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { countBacklogMessages, decodeEntry, keys } from './index.ts'
import { type LeaseStage, shareServer } from './testing/lease-stage.ts'

// The same on both: a script that crosses a slot fails on the second.
for (const mode of ['standalone', 'cluster'] as const) {
  suite(`body records and backlogs, ${mode}`, () => {
    const shared = shareServer({ cluster: mode === 'cluster' })
    after(() => shared.dispose())

    test('readBody() takes nothing for a subscription that cannot be one, and a record without fields for no record', async () => {
      await using t = await shared.setup()
      const key = keys.bodyKey(t.partition, 'm')
      await t.redis.hset(key, { 's:a': '1', 's:': '1', 's:x:y': '1', 's:a b': '1', [`s:${'a'.repeat(65)}`]: '1' })
      assert.deepEqual(await t.lease.readBody('m'), {
        fields: new Map(),
        open: new Map([['a', { attemptsMade: 1, waits: false }]]),
      })
    })

    test('handOff() keeps the entry for its subscriptions, and the last settled one deletes it', async () => {
      await using t = await shared.setup()
      const entry = t.anEntry({ body: Buffer.from([0, 255, 13, 10]) })
      const { messageId } = entry
      await t.appender.append(entry)
      const [claimed] = await t.lease.claim(1)
      assert.ok(claimed)
      await t.lease.handOff(claimed, { messageId, open: inRetry('a', 'b', 'c') })
      await t.lease.settle([claimed.streamId])
      const record = await t.lease.readBody(messageId)
      assert.ok(record)
      assert.deepEqual(decodeEntry(record.fields, t.recordMac), entry)
      assert.deepEqual([...record.open.keys()].toSorted(), ['a', 'b', 'c'])

      await t.lease.settleSubscription(messageId, 'a')
      await t.lease.settleSubscription(messageId, 'a')
      await t.lease.settleSubscription(messageId, 'unknown')
      await t.lease.settleSubscription(messageId, 'b')
      assert.deepEqual(await openOf(t, messageId), ['c'])
      await t.lease.settleSubscription(messageId, 'c')
      await t.lease.settleSubscription(messageId, 'c')
      assert.equal(await t.lease.readBody(messageId), undefined)
      assert.equal(await t.redis.exists(keys.bodyKey(t.partition, messageId)), 0)
    })

    test('handOff() done again opens a subscription settled in between, and the count still holds', async () => {
      await using t = await shared.setup()
      const entry = t.anEntry()
      const { messageId } = entry
      await t.appender.append(entry)
      const [claimed] = await t.lease.claim(1)
      assert.ok(claimed)
      await t.lease.handOff(claimed, { messageId, open: inRetry('a', 'b') })
      await t.lease.settleSubscription(messageId, 'a')
      await t.lease.handOff(claimed, { messageId, open: inRetry('a', 'b', 'c') })
      assert.deepEqual(await openOf(t, messageId), ['a', 'b', 'c'])
      for (const id of ['c', 'b', 'a']) await t.lease.settleSubscription(messageId, id)
      assert.equal(await t.lease.readBody(messageId), undefined)
      await t.lease.handOff(claimed, { messageId, open: [] })
      assert.equal(await t.lease.readBody(messageId), undefined)
    })

    test('handOff() takes thousands of subscriptions', async () => {
      await using t = await shared.setup()
      const entry = t.anEntry()
      await t.appender.append(entry)
      const [claimed] = await t.lease.claim(1)
      assert.ok(claimed)
      const subscriptionIds = Array.from({ length: 12_000 }, (_, n) => `s${n}`)
      await t.lease.handOff(claimed, { messageId: entry.messageId, open: inRetry(...subscriptionIds) })
      assert.equal((await openOf(t, entry.messageId)).length, 12_000)
    })

    test('handOff() lines up those that wait, oldest first, and nothing twice when it is repeated', async () => {
      await using t = await shared.setup()
      const messageIds: string[] = []
      for (let n = 0; n < 3; n++) {
        const { claimed, messageId } = await claimOne(t)
        const open = [...inRetry('r'), ...waiting('a'), ...(n === 0 ? waiting('b') : [])]
        const { backlogIds, foreign } = await t.lease.handOff(claimed, { messageId, open })
        assert.equal(foreign, false)
        const again = await t.lease.handOff(claimed, { messageId, open })
        assert.deepEqual([...backlogIds.keys()].toSorted(), n === 0 ? ['a', 'b'] : ['a'])
        assert.equal(again.backlogIds.size, 0)
        messageIds.push(messageId)
      }
      assert.deepEqual((await t.lease.listBacklogs()).toSorted(), ['a', 'b'])
      const lined = await t.lease.readBacklog('a', '0', 10)
      assert.deepEqual(
        lined.map(({ messageId }) => messageId),
        messageIds,
      )
      assert.deepEqual(await t.lease.readBacklog('a', lined[0]?.backlogId ?? '', 1), [lined[1]])
      assert.deepEqual((await t.lease.readBody(messageIds[0] ?? ''))?.open.get('a'), { attemptsMade: 0, waits: true })
    })

    test('leaveBacklog() closes its subscription or leaves it open, and the last one takes the backlog away', async () => {
      await using t = await shared.setup()
      const first = await claimOne(t)
      const second = await claimOne(t)
      for (const { claimed, messageId } of [first, second]) {
        await t.lease.handOff(claimed, { messageId, open: waiting('a') })
      }
      const [one, two] = await t.lease.readBacklog('a', '0', 10)
      assert.ok(one && two)
      const leave = (reference: typeof one, close: boolean) =>
        t.lease.leaveBacklog({ ...reference, subscriptionId: 'a', close })
      assert.equal(await leave(one, true), 1)
      assert.equal(await leave(one, true), 1)
      assert.equal(await t.lease.readBody(first.messageId), undefined)
      await t.lease.noteAttempts(second.messageId, 'a', 1)
      assert.equal(await leave(two, false), 0)
      assert.deepEqual((await t.lease.readBody(second.messageId))?.open.get('a'), { attemptsMade: 1, waits: false })
      assert.deepEqual(await t.lease.listBacklogs(), [])
      assert.equal(await t.redis.exists(keys.backlogKey(t.partition, 'a'), keys.backlogsKey(t.partition)), 0)
      await t.lease.settleSubscription(second.messageId, 'a')
      assert.equal(await t.redis.exists(keys.bodyKey(t.partition, second.messageId)), 0)
    })

    test('countBacklogMessages() counts each message for each subscription it waits for, in the partitions asked for', async () => {
      await using t = await shared.setup()
      const count = (...partitions: number[]) => countBacklogMessages({ redis: t.redis, partitions })
      assert.equal(await count(t.partition), 0)
      for (const subscriptionIds of [['a', 'b'], ['a']]) {
        const { claimed, messageId } = await claimOne(t)
        await t.lease.handOff(claimed, { messageId, open: [...waiting(...subscriptionIds), ...inRetry('r')] })
      }
      assert.equal(await count(t.partition), 3)
      assert.equal(await count(), 0)
      assert.equal(await count(t.partition + 1, t.partition), 3)
      const many = await claimOne(t)
      const ids = Array.from({ length: 600 }, (_, n) => `many-${n}`)
      await t.lease.handOff(many.claimed, { messageId: many.messageId, open: waiting(...ids) })
      assert.equal(await count(t.partition), 603)
      await t.redis.set(keys.backlogKey(t.partition, 'b'), 'x')
      assert.equal(await count(t.partition), 602)
      await t.redis.set(keys.backlogsKey(t.partition), 'x')
      assert.equal(await count(t.partition), 0)
    })

    test('noteAttempts() opens nothing that is closed', async () => {
      await using t = await shared.setup()
      await t.lease.noteAttempts('gone', 'a', 3)
      assert.equal(await t.redis.exists(keys.bodyKey(t.partition, 'gone')), 0)
    })

    test('handOff() replaces what somebody put under the keys of a backlog, and says so', async () => {
      await using t = await shared.setup()
      await t.redis.set(keys.backlogKey(t.partition, 'a'), 'x')
      await t.redis.set(keys.backlogsKey(t.partition), 'x')
      await t.redis.xadd(keys.backlogKey(t.partition, 'b'), '18446744073709551615-18446744073709551615', 'm', 'x')
      const { claimed, messageId } = await claimOne(t)
      const { backlogIds, foreign } = await t.lease.handOff(claimed, { messageId, open: waiting('a', 'b') })
      assert.equal(foreign, true)
      assert.deepEqual([...backlogIds.keys()], ['a', 'b'])
      assert.equal((await t.lease.readBacklog('a', '0', 10)).length, 1)
      assert.equal((await t.lease.readBacklog('b', '0', 10)).length, 1)
    })

    test('a backlog that somebody took away, replaced or wrote to does no more than that', async () => {
      await using t = await shared.setup()
      const { claimed, messageId } = await claimOne(t)
      await t.lease.handOff(claimed, { messageId, open: waiting('a', 'b') })
      await t.redis.del(keys.backlogKey(t.partition, 'a'))
      await t.redis.set(keys.backlogKey(t.partition, 'a'), 'x')
      const reference = { subscriptionId: 'a', messageId, backlogId: '1-1', close: true }
      assert.equal(await t.lease.leaveBacklog(reference), 0)
      await t.redis.xadd(keys.backlogKey(t.partition, 'b'), '*', 'no', 'message')
      await t.redis.xadd(keys.backlogKey(t.partition, 'b'), '*', 'm', 'x:y')
      const lined = await t.lease.readBacklog('b', '0', 10)
      assert.deepEqual(
        lined.map((one) => one.messageId),
        [messageId, '', ''],
      )
      await t.redis.sadd(keys.backlogsKey(t.partition), 'a b', 'x}:y')
      assert.deepEqual(await t.lease.listBacklogs(), ['b'])
    })
  })
}

const inRetry = (...ids: string[]) => ids.map((subscriptionId) => ({ subscriptionId, attemptsMade: 1, waits: false }))
const waiting = (...ids: string[]) => ids.map((subscriptionId) => ({ subscriptionId, attemptsMade: 0, waits: true }))

async function claimOne(t: LeaseStage) {
  const entry = t.anEntry()
  await t.appender.append(entry)
  const [claimed] = await t.lease.claim(1)
  assert.ok(claimed)
  return { claimed, messageId: entry.messageId }
}

async function openOf(t: LeaseStage, messageId: string): Promise<string[]> {
  return [...((await t.lease.readBody(messageId))?.open.keys() ?? [])].toSorted()
}
