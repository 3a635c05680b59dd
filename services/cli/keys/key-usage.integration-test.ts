import assert from 'node:assert/strict'
import { after, before, beforeEach, suite, test } from 'node:test'
import { DisableKeyCommand, UpdateAliasCommand } from '@aws-sdk/client-kms'
import { systemClock } from '#shared/clock'
import { keys } from '#shared/stream-log'
import { type KeysStage, startKeysStage } from '../testing/keys-stage.ts'
import { APPEND_GRACE_MS, ISSUE_GRACE_MS, type KeyUsage, readKeyUsage } from './key-usage.ts'

const SUBSCRIPTION = '00000000-0000-4000-8000-00000000000a'
const nothing = { undelivered: 0, retrying: 0, backlogged: 0, held: 0, quarantined: 0 }

suite('readKeyUsage()', () => {
  let stage: KeysStage
  before(async () => {
    stage = await startKeysStage()
  })
  beforeEach(async () => {
    const meta = await stage.redis.hgetall(keys.metaKey)
    await stage.redis.flushall()
    await stage.redis.hset(keys.metaKey, meta)
  })
  after(() => stage[Symbol.asyncDispose]())

  test('counts messages of each key by state, its data keys once each, and tells the oldest', async () => {
    const [a, b] = [await stage.createKey(), await stage.createKey()]
    const [first, second, other] = [await stage.issue(a), await stage.issue(a), await stage.issue(b)]
    const lease = await stage.lease()
    const oldest = await stage.append(first, 4)
    await stage.append(second)
    await stage.append(other, 2)
    await stage.append(undefined)
    const [one, two, three, four] = await lease.claim(4)
    assert.ok(one && two && three && four)
    await lease.hold(a, [one.streamId])
    for (const [claimed, waits] of [
      [two, true],
      [three, false],
    ] as const) {
      const messageId = String(claimed.fields.get('id'))
      await lease.handOff(claimed, { messageId, open: [{ subscriptionId: SUBSCRIPTION, attemptsMade: 1, waits }] })
      await lease.settle([claimed.streamId])
    }
    await lease.quarantine(four, 'KMS_INTEGRITY')
    const { keys: found, untrusted } = await read()
    assert.deepEqual(
      found.map(({ keyArn, messages, dataKeys }) => ({ keyArn, messages, dataKeys })),
      [
        { keyArn: a, dataKeys: 2, messages: { undelivered: 1, retrying: 1, backlogged: 1, held: 1, quarantined: 1 } },
        { keyArn: b, dataKeys: 1, messages: { ...nothing, undelivered: 2 } },
      ].toSorted((x, y) => (x.keyArn < y.keyArn ? -1 : 1)),
    )
    assert.equal(usageOf(found, a)?.oldestAcceptedAt, oldest[0]?.acceptedAt)
    assert.deepEqual(untrusted, nothing)
    await lease.release()
  })

  test('takes the word of no message that does not verify', async () => {
    const [a, b] = [await stage.createKey(), await stage.createKey()]
    const [entry] = await stage.append(await stage.issue(a))
    assert.ok(entry)
    const lease = await stage.lease()
    const [claimed] = await lease.claim(1)
    assert.ok(claimed)
    const fields = [...claimed.fields, ['key', b] as const].flat()
    await stage.redis.xadd(keys.streamKey(lease.partition), '*', ...fields.map((part) => part))
    await stage.redis.xadd(keys.streamKey(lease.partition), '*', 'key', b)
    const { keys: found, untrusted } = await read()
    assert.deepEqual(
      found.map(({ keyArn }) => keyArn),
      [a],
    )
    assert.deepEqual(untrusted, { ...nothing, undelivered: 2 })
    await lease.release()
  })

  test('names topics that are configured with a key, by whatever identifier, and asks once for each alias', async () => {
    const [a, b] = [await stage.createKey(), await stage.createKey()]
    const alias = `alias/${a.split('/')[1]}`
    await stage.createAlias(alias, a)
    const ids = [a, a.split('/')[1] ?? '', alias, alias, a.replace(/key\/.*/, alias)]
    const topics = await Promise.all(ids.map((id) => stage.createTopic(id)))
    await stage.createTopic('alias/nowhere')
    await stage.createTopic()
    const before = await stage.served('DescribeKey')
    const { keys: found, unresolved } = await read()
    assert.deepEqual(usageOf(found, a)?.topics, topics.toSorted())
    assert.equal(found.length, 1)
    assert.deepEqual(unresolved, [])
    assert.equal((await stage.served('DescribeKey')) - before, 4)
    await stage.admin.send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: b.split('/')[1] }))
    assert.equal(usageOf((await read()).keys, b)?.topics.length, 3)
  })

  test('takes for a KMS key only what can be one: a topic may be given any text', async () => {
    await stage.createTopic('arn:aws:kms:us-east-1:000000000000:key/\x1b[2J')
    const { keys: found, unresolved } = await read()
    assert.deepEqual([found, unresolved], [[], []])
  })

  test('says of which topics it cannot be told while KMS does not answer', async () => {
    const a = await stage.createKey()
    await stage.createAlias(`alias/x-${a.split('/')[1]}`, a)
    const topicArn = await stage.createTopic(`alias/x-${a.split('/')[1]}`)
    await stage.kms.stop()
    try {
      const { keys: found, unresolved } = await read()
      assert.deepEqual(found, [])
      assert.deepEqual(
        unresolved.map(({ topicArn, reason }) => [topicArn, reason]),
        [[topicArn, 'KMS_UNAVAILABLE']],
      )
    } finally {
      await stage.kms.start()
    }
  })

  test('tells until when gateways may seal under a key that no topic is configured with any more', async () => {
    const a = await stage.createKey()
    await stage.share(await stage.issue(a), 60_000)
    const usage = usageOf((await read()).keys, a)
    assert.equal(usage?.dataKeys, 1)
    const left = (usage.sealsUntil ?? 0) - systemClock.now()
    assert.ok(left > 50_000 && left <= 60_000, String(left))
  })

  // What an alias stood for until a moment ago: the data key is being issued while topics are read, and a message of it
  // stored after its record has expired.
  test('waits for what was begun before, so that it does not miss it', async () => {
    const [a, b] = [await stage.createKey(), await stage.createKey()]
    const issued = await stage.issue(a)
    const waited: number[] = []
    const { keys: found } = await read(async (ms) => {
      waited.push(ms)
      if (ms === ISSUE_GRACE_MS) await stage.share(issued, 60_000)
      else await stage.append(await stage.issue(b))
    })
    assert.deepEqual(waited, [ISSUE_GRACE_MS, APPEND_GRACE_MS])
    assert.ok((usageOf(found, a)?.sealsUntil ?? 0) > 0)
    assert.equal(usageOf(found, b)?.messages.undelivered, 1)
  })

  test('counts a rewrapped data key for the key it stands under, and needs no KMS key for that', async () => {
    const [a, b] = [await stage.createKey(), await stage.createKey()]
    const issued = await stage.issue(a)
    await stage.append(issued, 3)
    const key = { ...issued.sealed, topicArn: issued.topicArn }
    const { stored } = await stage.rewraps.look(key)
    const by = { encryptedDataKey: Buffer.from('x'), keyArn: b, rewrappedAt: 1 }
    assert.ok(await stage.rewraps.replace(key, { by, stored }))
    await stage.admin.send(new DisableKeyCommand({ KeyId: a }))
    const { keys: found } = await read()
    assert.deepEqual(usageOf(found, b)?.messages, { ...nothing, undelivered: 3 })
    assert.deepEqual([usageOf(found, a)?.messages, usageOf(found, a)?.rewrapped], [nothing, 1])
  })

  async function read(pause: (ms: number) => Promise<unknown> = async () => {}) {
    const { report } = await readKeyUsage({
      ...stage,
      partitions: 4,
      resolveKey: (keyId, topicArn) =>
        stage.kmsClient.describeKey({ keyId, topicArn, principal: 'arn:aws:iam::000000000000:root' }),
      onForged: () => assert.fail('a record was forged'),
      clock: systemClock,
      pause,
    })
    return report
  }
})

function usageOf(found: readonly KeyUsage[], keyArn: string): KeyUsage | undefined {
  return found.find((usage) => usage.keyArn === keyArn)
}
