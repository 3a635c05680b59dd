/**
 * A KMS key is retired while messages wait under it in every state: listed, rotated, rewrapped, disabled, and the whole
 * backlog delivered. And whoever writes to Redis gains nothing by the records that this leaves there.
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, afterEach, before, suite, test } from 'node:test'
import {
  CreateAliasCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  GenerateDataKeyCommand,
  type KMSClient,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms'
import { SetTopicAttributesCommand, type SNSClient } from '@aws-sdk/client-sns'
import { createRewrapStore, rewrapNameOf } from '#shared/data-keys'
import { createRecordMac } from '#shared/record-mac'
import { readRecordSecrets } from '#shared/secrets'
import { keys } from '#shared/stream-log'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  servedByKms,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { readLog } from './read-log.ts'
import { messagesOf, type RedisAttacker, startRedisAttacker } from './redis-attacker.ts'
import { runSealcast } from './sealcast-command.ts'
import { type Stack, startStack } from './start-stack.ts'
import { untilStored } from './stored-messages.ts'
import type { TestSubscriber } from './test-subscriber.ts'
import { until } from './until.ts'

const nothing = { undelivered: 0, retrying: 0, backlogged: 0, held: 0, quarantined: 0 }

suite('a KMS key that is retired', () => {
  let stack: Stack
  let sns: SNSClient
  let kms: KMSClient
  let redis: RedisAttacker['redis']
  let attacker: RedisAttacker

  before(async () => {
    stack = await startStack({ env: { SEALCAST_KEY_PROBE_MS: '6000' } })
    trustStack(stack)
    sns = snsClient(stack)
    kms = kmsClient(stack)
    attacker = await startRedisAttacker(stack)
    redis = attacker.redis
  })

  // A test that failed may have left it stopped.
  afterEach(() => stack.signal('delivery', 'SIGCONT'))

  after(async () => {
    for (const client of [sns, kms]) client.destroy()
    await attacker[Symbol.asyncDispose]()
    await stack[Symbol.asyncDispose]()
  })

  test('leaves nothing behind: what is undelivered, retrying, backlogged and held is delivered under the other key', async () => {
    const [a, b] = [await createKey(kms), await createKey(kms)]
    const waiting = await prepareBacklog(a)
    const { topics, subscribers, messages } = waiting
    await using _subscribers = disposable(subscribers)

    const before = await listKeys()
    assert.deepEqual(before.get(a)?.messages, { ...nothing, undelivered: 5, retrying: 1, backlogged: 1, held: 1 })
    assert.deepEqual([before.get(a)?.dataKeys, before.get(a)?.safe], [4, false])
    assert.deepEqual(kindsOf(before.get(a)), ['needed', 'configured', 'sealing'])

    await kms.send(new RotateKeyOnDemandCommand({ KeyId: a }))
    for (const topicArn of topics) await setKey(topicArn, b)
    const rewrapped = await runSealcast(stack, 'keys', 'rewrap', '--from', a, '--to', b)
    assert.deepEqual([rewrapped.code, rewrapped.errors], [0, ''])
    assert.equal(rewrapped.output, `4 of 4 data keys rewrapped: they stand under ${b} now.\n`)
    await kms.send(new DisableKeyCommand({ KeyId: a }))
    const between = await listKeys()
    // After the list, which takes its time: the log comes a moment after the answers.
    const fromTo = linesOfKms('ReEncrypt').map((line) => `${line.outcome} ${line.sourceKeyArn} ${line.keyArn}`)
    assert.deepEqual(fromTo, new Array(4).fill(`ok ${a} ${b}`))
    assert.deepEqual([between.get(a)?.messages, between.get(a)?.safe, between.get(a)?.rewrapped], [nothing, true, 4])
    assert.deepEqual(between.get(b)?.messages, before.get(a)?.messages)
    assert.deepEqual(kindsOf(between.get(b)), ['needed', 'configured', 'sealing'])
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId: a, PendingWindowInDays: 7 }))

    for (const subscriber of subscribers) subscriber.answer = (_request, response) => response.writeHead(200).end()
    const askedBefore = linesOfKms('Decrypt').length
    // A worker that has opened nothing yet.
    await stack.killAndWaitForRestart('delivery')
    const all = () => subscribers.flatMap(messagesOf)
    const arrived = () => new Set(all())
    await until('all are delivered', () => messages.every((message) => arrived().has(message)), 60_000)
    await untilFinished(stack, 60_000)
    assert.deepEqual([...arrived()].toSorted(), messages.toSorted())
    const afterwards = await listKeys()
    const asked = linesOfKms('Decrypt').slice(askedBefore)
    assert.deepEqual(
      asked.map(({ keyArn, outcome }) => `${outcome} ${keyArn}`),
      new Array(4).fill(`ok ${b}`),
      'one Decrypt for each data key',
    )
    assert.deepEqual([afterwards.get(a)?.safe, afterwards.get(b)?.messages], [true, nothing])
    assert.deepEqual(kindsOf(afterwards.get(b)).includes('configured'), true)
  })

  test('goes on being shared by gateways under the other key, without another data key', async () => {
    const [a, b] = [await createKey(kms), await createKey(kms)]
    const alias = `alias/shared-${a.split('/')[1]}`
    await kms.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: a.split('/')[1] }))
    const topicArn = await createTopic(sns, { KmsMasterKeyId: alias })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    await publish(sns, topicArn, 'before')
    await subscriber.until(() => messagesOf(subscriber).includes('before'))
    await kms.send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: b.split('/')[1] }))
    const { code, output } = await runSealcast(stack, 'keys', 'rewrap', '--from', alias, '--to', b)
    assert.deepEqual([code, output], [2, ''], 'the alias stands for the other key by now')
    assert.match((await runSealcast(stack, 'keys', 'rewrap', '--from', a, '--to', alias)).output, /^1 of 1 /)
    await kms.send(new DisableKeyCommand({ KeyId: a }))
    await stack.killAndWaitForRestart('gateway')
    const before = await servedByKms(stack)
    await publish(sns, topicArn, 'after')
    await subscriber.until(() => messagesOf(subscriber).includes('after'))
    const served = await servedByKms(stack)
    assert.equal(served.GenerateDataKey, before.GenerateDataKey)
    assert.equal(served.Decrypt, (before.Decrypt ?? 0) + 1, 'by the new gateway; the worker holds the key')
  })

  test('cannot be replaced by whoever writes to Redis, nor by a data key he knows', async () => {
    const a = await createKey(kms)
    const topicArn = await createTopic(sns, { KmsMasterKeyId: a })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const forge = async (message: string, write: (sealed: Sealed, known: Buffer) => Promise<unknown>) => {
      stack.signal('delivery', 'SIGSTOP')
      const { fields } = await untilStored(redis, await publish(sns, topicArn, message), 'stream')
      const sealed = {
        encryptedDataKey: fields.get('edk') ?? Buffer.alloc(0),
        keyArn: String(fields.get('key')),
        topicArn,
      }
      const { CiphertextBlob: known } = await kms.send(
        new GenerateDataKeyCommand({
          KeyId: a,
          KeySpec: 'AES_256',
          EncryptionContext: { 'aws:sns:topicArn': topicArn },
        }),
      )
      await write(sealed, Buffer.from(known ?? []))
      stack.signal('delivery', 'SIGCONT')
      return sealed
    }

    const sealed = await forge('genuine', async (sealed, known) => {
      const record = { version: 1, topicArn, sourceKeyArn: a, keyArn: a, rewrappedAt: Date.now() }
      const mac = `0000000a.${'A'.repeat(43)}`
      const forged = { ...record, encryptedDataKey: known.toString('base64'), mac }
      await redis.set(placeOf(sealed), JSON.stringify(forged))
    })
    await subscriber.until(() => messagesOf(subscriber).includes('genuine'))
    await attacker.untilAlarmed('delivery', { event: 'record.forged', kind: 'rewrap', topicArn })

    // With the secret of the records as well: the envelope still commits to its data key.
    await redis.del(placeOf(sealed))
    await stack.killAndWaitForRestart('delivery')
    await forge('not to be read', async (sealed, known) => {
      const recordMac = createRecordMac(await readRecordSecrets(join(stack.home, 'secrets')))
      const store = createRewrapStore({ redis, recordMac, onForged: () => assert.fail('it is genuine in form') })
      const by = { encryptedDataKey: known, keyArn: a, rewrappedAt: Date.now() }
      assert.ok(await store.replace(sealed, { by, stored: (await store.look(sealed)).stored }))
    })
    const partition = attacker.partitionOf(topicArn)
    await until('it is in quarantine', async () => (await redis.xlen(keys.quarantineKey(partition))) === 1)
    const [[, [, , , reason]] = ['', []]] = await redis.xrange(keys.quarantineKey(partition), '-', '+')
    assert.equal(reason, 'ENVELOPE_AUTHENTICATION_FAILED')
    assert.ok(!messagesOf(subscriber).includes('not to be read'))
  })

  interface Sealed {
    encryptedDataKey: Buffer
    keyArn: string
    topicArn: string
  }

  const placeOf = (sealed: Sealed) => `sealcast:{t:${sealed.topicArn}}:rewrap:${rewrapNameOf(sealed)}`

  /** One topic, and so one data key, for each state. The worker is stopped afterwards. */
  async function prepareBacklog(keyArn: string) {
    const topics = await Promise.all([0, 1, 2, 3].map(() => createTopic(sns, { KmsMasterKeyId: keyArn })))
    const [undelivered = '', retrying = '', backlogged = '', held = ''] = topics
    const subscribers = await Promise.all(topics.map((topicArn) => subscribeAndConfirm(stack, { sns, topicArn })))
    const [, failing, hanging] = subscribers
    assert.ok(failing && hanging)
    failing.answer = (_request, response) => response.writeHead(500).end()
    hanging.answer = () => {}
    await untilStored(redis, await publish(sns, retrying, 'retrying'), 'retry')
    await untilStored(redis, await publish(sns, backlogged, 'backlogged'), 'backlog')
    await attacker.untilSettled()

    stack.signal('delivery', 'SIGSTOP')
    await publish(sns, held, 'held')
    await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
    stack.signal('delivery', 'SIGCONT')
    await until('the key holds a message', async () => {
      return (await redis.exists(keys.heldKey(attacker.partitionOf(held), keyArn))) === 1
    })
    stack.signal('delivery', 'SIGSTOP')
    await kms.send(new EnableKeyCommand({ KeyId: keyArn }))

    const texts = Array.from({ length: 5 }, (_, n) => `undelivered ${n}`)
    for (const text of texts) await publish(sns, undelivered, text)
    return { topics, subscribers, messages: [...texts, 'retrying', 'backlogged', 'held'] }
  }

  interface ListedKey {
    keyArn: string
    messages: Record<string, number>
    dataKeys: number
    rewrapped: number
    safe: boolean
    objections: { kind: string }[]
  }

  async function listKeys(): Promise<Map<string, ListedKey>> {
    const { code, output, errors } = await runSealcast(stack, 'keys', '--json')
    assert.equal(code, 0, errors)
    const { keys: listed }: { keys: ListedKey[] } = JSON.parse(output)
    return new Map(listed.map((one) => [one.keyArn, one]))
  }

  const kindsOf = (listed: ListedKey | undefined) => listed?.objections.map(({ kind }) => kind) ?? []

  const setKey = (topicArn: string, keyArn: string) =>
    sns.send(
      new SetTopicAttributesCommand({ TopicArn: topicArn, AttributeName: 'KmsMasterKeyId', AttributeValue: keyArn }),
    )

  /** Its log rather than its counter: those of a worker that is stopped would not be answered. */
  function linesOfKms(operation: string): Record<string, unknown>[] {
    return readLog(stack, 'kms')
      .filter((line) => line.includes(`"operation":"${operation}"`))
      .map((line): Record<string, unknown> => JSON.parse(line))
  }
})

function disposable(subscribers: readonly TestSubscriber[]): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      for (const subscriber of subscribers) await subscriber[Symbol.asyncDispose]()
    },
  }
}
