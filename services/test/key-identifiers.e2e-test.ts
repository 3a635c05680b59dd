/** What a topic's KmsMasterKeyId may be, what it then means, and SNS's own key, which nobody has to make. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import {
  CreateAliasCommand,
  DecryptCommand,
  DisableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  KMSClient,
  ListAliasesCommand,
  ScheduleKeyDeletionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms'
import { GetTopicAttributesCommand, ListTopicsCommand, SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns'
import { ADMINISTRATOR_ACCESS, addPrincipal } from '#shared/principals'
import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'
import { createFaultControls } from '#shared/test-kms'
import { createKey, createTopic, kmsClient, publish, snsClient, subscribeAndConfirm, trustStack } from './messaging.ts'
import { messagesOf } from './redis-attacker.ts'
import { type Stack, startStack } from './start-stack.ts'
import { untilStored } from './stored-messages.ts'
import { until } from './until.ts'

const REUSE_SECONDS = 2
const SNS_ALIAS = 'alias/aws/sns'
const ACCOUNTS = ['000000000000', '111111111111']
const REGIONS = ['us-east-1', 'eu-west-1']

/** Somebody who may do everything in one account, as seen from one region. */
interface Party {
  readonly account: string
  readonly region: string
  readonly sns: SNSClient
  readonly kms: KMSClient
}

suite('the KmsMasterKeyId of a topic', () => {
  let stack: Stack
  let sns: SNSClient
  let kms: KMSClient
  let redis: Redis
  let faults: ReturnType<typeof createFaultControls>
  let parties: Party[]

  before(async () => {
    stack = await startStack({ env: { SEALCAST_DATA_KEY_REUSE_SECONDS: String(REUSE_SECONDS) } })
    trustStack(stack)
    sns = snsClient(stack)
    kms = kmsClient(stack)
    redis = openRedis({ url: stack.env.SEALCAST_REDIS_URL ?? '', name: 'test' })
    await whenReady(redis)
    faults = createFaultControls(stack.env.SEALCAST_KMS_ADMIN_URL ?? '')
    const [, other = ''] = ACCOUNTS
    const file = join(stack.home, 'principals.json')
    const stranger = await addPrincipal(file, { arn: `arn:aws:iam::${other}:user/ada`, policies: ADMINISTRATOR_ACCESS })
    parties = ACCOUNTS.flatMap((account) =>
      REGIONS.map((region) => {
        const credentials = account === other ? stranger : stack.clientConfig.credentials
        const endpoint = stack.env.AWS_ENDPOINT_URL_KMS ?? ''
        return {
          account,
          region,
          sns: new SNSClient({ ...stack.clientConfig, region, credentials }),
          kms: new KMSClient({ region, credentials, endpoint }),
        }
      }),
    )
    for (const party of parties) {
      await until('gateway and KMS know everybody', () =>
        Promise.all([party.sns.send(new ListTopicsCommand({})), aliasOf(party)]).catch(() => undefined),
      )
    }
  })

  after(async () => {
    for (const client of [sns, kms, ...parties.flatMap((party) => [party.sns, party.kms])]) client.destroy()
    await closeRedis(redis)
    await stack[Symbol.asyncDispose]()
  })

  test('may be a key id, a key ARN, an alias or an alias ARN: read back as given, sealed under that key', async () => {
    const keyArn = await createKey(kms)
    const aliasArn = await createAlias('alias/four-forms', keyArn)
    for (const given of [keyArn.split('/')[1] ?? '', keyArn, 'alias/four-forms', aliasArn]) {
      const created = await createTopic(sns, { KmsMasterKeyId: given })
      const changed = await createTopic(sns)
      await setKey(changed, given)
      for (const topicArn of [created, changed]) {
        assert.equal(await readKey(topicArn), given)
        assert.equal(await keyOfNext(topicArn), keyArn, given)
      }
    }
  })

  test('may be anything at first: who publishes is told that there is no such key, until there is', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: 'alias/later' })
    for (const given of ['no key at all', 'arn:aws:kms:us-east-1:000000000000:alias/later', 'alias/later']) {
      await setKey(topicArn, given)
      assert.equal(await readKey(topicArn), given)
      await assert.rejects(publish(sns, topicArn, 'x'), { name: 'KMSNotFoundException' }, given)
    }
    const keyArn = await createKey(kms)
    await createAlias('alias/later', keyArn)
    // A refusal is remembered for five seconds.
    await until('the alias is known', () => publish(sns, topicArn, 'x').catch(() => undefined))
    assert.equal(await keyOfNext(topicArn), keyArn)
  })

  test('is removed by the empty string', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: await createKey(kms) })
    await setKey(topicArn, '')
    assert.equal(await readKey(topicArn), undefined)
    assert.equal(await keyOfNext(topicArn), undefined)
  })

  test("gets KMSAccessDenied when it names another account's key or alias, which exist", async () => {
    const [other] = parties.filter(({ account, region }) => account !== ACCOUNTS[0] && region === 'us-east-1')
    assert.ok(other)
    const keyArn = await createKey(other.kms)
    await other.kms.send(new CreateAliasCommand({ AliasName: 'alias/theirs', TargetKeyId: keyArn }))
    for (const given of [keyArn, keyArn.replace(/key\/.*/, 'alias/theirs')]) {
      const topicArn = await createTopic(sns, { KmsMasterKeyId: given })
      assert.equal(await readKey(topicArn), given)
      await assert.rejects(publish(sns, topicArn, 'x'), { name: 'KMSAccessDeniedException' }, given)
    }
  })

  test('follows an alias to its new key within the reuse period, and older messages are still opened', async () => {
    const [first, second] = [await createKey(kms), await createKey(kms)]
    await createAlias('alias/moving', first)
    const topicArn = await createTopic(sns, { KmsMasterKeyId: 'alias/moving' })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    await whileStopped(async () => {
      const ids = [await publish(sns, topicArn, 'before')]
      await kms.send(new UpdateAliasCommand({ AliasName: 'alias/moving', TargetKeyId: second }))
      const movedAt = performance.now()
      const keysSeen: [atMs: number, keyArn: string][] = []
      await until('the new key seals', async () => {
        const atMs = performance.now() - movedAt
        ids.push(await publish(sns, topicArn, `after ${ids.length}`))
        keysSeen.push([atMs, String((await untilStored(redis, ids.at(-1) ?? '', 'stream')).fields.get('key'))])
        return keysSeen.at(-1)?.[1] === second
      })
      for (const [atMs, keyArn] of keysSeen.slice(0, -1)) {
        assert.equal(keyArn, first)
        assert.ok(atMs < REUSE_SECONDS * 1000, `the old key sealed ${atMs} ms after the alias had moved`)
      }
      const before = await untilStored(redis, ids[0] ?? '', 'stream')
      assert.equal(String(before.fields.get('key')), first)
      return ids
    })
    await subscriber.until(() => messagesOf(subscriber).includes('before') && messagesOf(subscriber).length > 1)
  })

  test('alias/aws/sns comes into being when a topic is given it, one for each account and region', async () => {
    const made = new Map<Party, string>()
    for (const party of parties) {
      assert.equal((await aliasOf(party))?.TargetKeyId, undefined)
      const changed = party.account === ACCOUNTS[0]
      const topicArn = await createTopic(party.sns, changed ? {} : { KmsMasterKeyId: SNS_ALIAS })
      if (changed) await setKey(topicArn, SNS_ALIAS, party.sns)
      const keyId = await until('the key is there', async () => (await aliasOf(party))?.TargetKeyId)
      const keyArn = `arn:aws:kms:${party.region}:${party.account}:key/${keyId}`
      made.set(party, keyArn)
      assert.equal(await readKey(topicArn, party.sns), SNS_ALIAS)
      assert.equal(await keyOfNext(topicArn, party.sns), keyArn)
    }
    assert.equal(new Set(made.values()).size, parties.length)
    for (const [party, keyArn] of made) {
      const aliasArn = `arn:aws:kms:${party.region}:${party.account}:${SNS_ALIAS}`
      const topicArn = await createTopic(party.sns, { KmsMasterKeyId: aliasArn })
      assert.equal(await keyOfNext(topicArn, party.sns), keyArn, 'again')
    }
  })

  test('alias/aws/sns is used through SNS alone: what it sealed is delivered, and its owner may not use it', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: SNS_ALIAS })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const { KeyId, CiphertextBlob } = await whileStopped(async () => {
      const { fields } = await untilStored(redis, await publish(sns, topicArn, 'through SNS'), 'stream')
      return { KeyId: String(fields.get('key')), CiphertextBlob: fields.get('edk') ?? Buffer.of() }
    })
    await subscriber.receive('Notification', 1)
    assert.deepEqual(messagesOf(subscriber), ['through SNS'])
    const EncryptionContext = { 'aws:sns:topicArn': topicArn }
    const denied = { name: 'AccessDeniedException' }
    await assert.rejects(kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext })), denied)
    await assert.rejects(
      kms.send(new GenerateDataKeyCommand({ KeyId: SNS_ALIAS, KeySpec: 'AES_256', EncryptionContext })),
      denied,
    )
    await assert.rejects(kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') })), denied)
    await assert.rejects(kms.send(new DisableKeyCommand({ KeyId })), denied)
    await assert.rejects(kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 })), denied)
  })

  test('alias/aws/sns may be given while KMS does not answer: its key comes into being with the first publish', async () => {
    const region = 'ap-south-1'
    const { credentials } = stack.clientConfig
    const party = {
      region,
      sns: new SNSClient({ ...stack.clientConfig, region }),
      kms: new KMSClient({ region, credentials, endpoint: stack.env.AWS_ENDPOINT_URL_KMS ?? '' }),
    }
    await faults.set({ faults: [{ kind: 'hang', operations: ['DescribeKey'] }] })
    const topicArn = await createTopic(party.sns)
    const startedAt = performance.now()
    await setKey(topicArn, SNS_ALIAS, party.sns)
    assert.ok(performance.now() - startedAt < 2_000)
    const readLog = () => readFileSync(join(stack.home, 'logs', 'gateway.log'), 'utf8')
    await until('the gateway has said so', () => readLog().includes('sns-key.not-announced'))
    assert.equal((await aliasOf(party))?.TargetKeyId, undefined)
    const keyArn = await keyOfNext(topicArn, party.sns)
    assert.equal(keyArn, `arn:aws:kms:${region}:000000000000:key/${(await aliasOf(party))?.TargetKeyId}`)
    await faults.clear()
    for (const client of [party.sns, party.kms]) client.destroy()
  })

  /** The key that seals a topic's next message. */
  function keyOfNext(topicArn: string, by = sns): Promise<string | undefined> {
    return whileStopped(async () => {
      const { fields } = await untilStored(redis, await publish(by, topicArn, 'next'), 'stream')
      return fields.get('key')?.toString()
    })
  }

  /** While the worker stands still what is published stays in its stream. */
  async function whileStopped<T>(work: () => Promise<T>): Promise<T> {
    stack.signal('delivery', 'SIGSTOP')
    try {
      return await work()
    } finally {
      stack.signal('delivery', 'SIGCONT')
    }
  }

  async function createAlias(name: string, keyArn: string): Promise<string> {
    await kms.send(new CreateAliasCommand({ AliasName: name, TargetKeyId: keyArn }))
    return keyArn.replace(/key\/.*/, name)
  }

  async function readKey(topicArn: string, by = sns): Promise<string | undefined> {
    return (await by.send(new GetTopicAttributesCommand({ TopicArn: topicArn }))).Attributes?.KmsMasterKeyId
  }

  async function setKey(topicArn: string, given: string, by = sns): Promise<void> {
    await by.send(
      new SetTopicAttributesCommand({ TopicArn: topicArn, AttributeName: 'KmsMasterKeyId', AttributeValue: given }),
    )
  }
})

/** How KMS lists SNS's alias; without a key until it has one. */
async function aliasOf({ kms }: Pick<Party, 'kms'>) {
  const { Aliases = [] } = await kms.send(new ListAliasesCommand({}))
  return Aliases.find(({ AliasName }) => AliasName === SNS_ALIAS)
}
