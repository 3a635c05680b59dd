/** Every operation that takes a key, in each state of a key, from another account and another region. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { suite, type TestContext, test } from 'node:test'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  type KMSClient,
  ListAliasesCommand,
  ListKeysCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { failure, refuses } from '#shared/test-kms'
import { SERVED_OPERATIONS } from './operations.ts'
import { ALIAS_OPERATIONS, KEY_OPERATIONS, type KeyOperation, WITHOUT_KEY } from './testing/key-operations.ts'
import { startTimedKms } from './testing/start-timed-kms.ts'

const [ACCOUNT, OTHER_ACCOUNT] = ['111122223333', '444455556666'] as const

test('every served operation is in the table', () => {
  const inTable = [...KEY_OPERATIONS, ...ALIAS_OPERATIONS].map(({ name }) => name.split(' ')[0] ?? '')
  assert.deepEqual([...new Set([...inTable, ...WITHOUT_KEY])].sort(), [...SERVED_OPERATIONS].sort())
})

suite('key states', () => {
  for (const operation of KEY_OPERATIONS) {
    for (const state of ['Enabled', 'Disabled', 'PendingDeletion'] as const) {
      const refusal = refusalOf(operation, state)
      test(`${operation.name} of a key that is ${state}: ${refusal?.name ?? 'works'}`, async (t) => {
        const { client, subject } = await setup(t)
        const KeyId = subject.key
        if (state === 'Disabled') await client.send(new DisableKeyCommand({ KeyId }))
        if (state === 'PendingDeletion') await client.send(new ScheduleKeyDeletionCommand({ KeyId }))
        const before = await describe(client, KeyId)
        const sent = operation.send({ ...subject, client })
        if (refusal === undefined) await sent
        else {
          await refuses(sent, refusal.name, `${KeyId} ${refusal.text}`)
          assert.deepEqual(await describe(client, KeyId), before)
        }
      })
    }
  }
})

suite('aliases', () => {
  for (const { name, send } of ALIAS_OPERATIONS) {
    for (const state of ['Enabled', 'Disabled', 'PendingDeletion'] as const) {
      test(`${name} works on the alias of a key that is ${state}`, async (t) => {
        const { client, subject } = await setup(t)
        const [alias, KeyId] = ['alias/app', subject.key]
        await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: KeyId }))
        if (state === 'Disabled') await client.send(new DisableKeyCommand({ KeyId }))
        if (state === 'PendingDeletion') await client.send(new ScheduleKeyDeletionCommand({ KeyId }))
        await send({ ...subject, client, alias })
        assert.deepEqual((await client.send(new ListAliasesCommand({ KeyId }))).Aliases, [])
      })
    }
  }
})

suite("another account's key", () => {
  for (const operation of KEY_OPERATIONS) {
    test(`${operation.name} is denied, whether the key exists or not`, async (t) => {
      const { kms, subject } = await setup(t)
      const client = kms.as(OTHER_ACCOUNT)
      const own = await makeKey(client)
      const texts: string[] = []
      for (const key of [subject.key, subject.key.replace(/[^/]*$/, randomUUID())]) {
        const foreign = { ...subject, client, key, otherKey: own.arn, otherCiphertext: own.ciphertext }
        const error = await failure(operation.send(foreign))
        assert.equal(error.name, 'AccessDeniedException')
        texts.push(error.message.replaceAll(key, 'ARN'))
      }
      assert.equal(texts[0], texts[1])
    })
  }
})

suite('a key of another region', () => {
  for (const operation of KEY_OPERATIONS) {
    test(`${operation.name} does not find it`, async (t) => {
      const { kms, subject } = await setup(t)
      const client = kms.as(ACCOUNT, { region: 'eu-west-1' })
      const own = await makeKey(client)
      const sent = operation.send({ ...subject, client, otherKey: own.arn, otherCiphertext: own.ciphertext })
      // What a ciphertext names is looked up in the region that is asked, where there is nothing.
      if (['Decrypt', 'ReEncrypt from'].includes(operation.name)) await refuses(sent, 'AccessDeniedException')
      else await refuses(sent, 'NotFoundException', 'Invalid arn us-east-1')
    })
  }
})

suite('accounts', () => {
  test('bare ids and aliases mean the key of the own account', async (t) => {
    const { kms, client, subject } = await setup(t)
    const other = kms.as(OTHER_ACCOUNT)
    const [id, otherKey] = [subject.key.replace(/.*\//, ''), await makeKey(other)]
    await refuses(describe(other, id), 'NotFoundException', `Key '${arnOf(OTHER_ACCOUNT, id)}' does not exist`)
    await refuses(describe(other, 'alias/app'), 'NotFoundException')
    for (const [who, TargetKeyId] of [
      [client, subject.key],
      [other, otherKey.arn],
    ] as const) {
      await who.send(new CreateAliasCommand({ AliasName: 'alias/app', TargetKeyId }))
      assert.equal((await describe(who, 'alias/app'))?.Arn, TargetKeyId)
    }
  })

  test('list nothing of one another', async (t) => {
    const { kms, client, subject } = await setup(t)
    await client.send(new CreateAliasCommand({ AliasName: 'alias/app', TargetKeyId: subject.key }))
    const other = kms.as(OTHER_ACCOUNT)
    assert.deepEqual((await other.send(new ListKeysCommand({}))).Keys, [])
    const { Aliases = [] } = await other.send(new ListAliasesCommand({}))
    assert.deepEqual(
      Aliases.map(({ AliasName }) => AliasName),
      ['alias/aws/sns'],
    )
  })

  test('of a publisher decide when the broker asks', async (t) => {
    const { kms, subject } = await setup(t)
    const [own, foreign] = [ACCOUNT, OTHER_ACCOUNT].map((account) =>
      kms.asBrokerFor(`arn:aws:iam::${account}:role/publisher`),
    )
    assert.ok(own && foreign)
    const generate = (who: KMSClient, KeyId: string) =>
      who.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }))
    const id = subject.key.replace(/.*\//, '')
    assert.equal((await generate(own, id)).KeyId, subject.key)
    await refuses(generate(foreign, id), 'NotFoundException')
    await refuses(generate(foreign, subject.key), 'AccessDeniedException')
  })
})

function refusalOf({ works }: KeyOperation, state: KeyOperation['works'][number]) {
  if (works.includes(state)) return undefined
  if (state === 'PendingDeletion') return { name: 'KMSInvalidStateException', text: 'is pending deletion.' }
  if (!works.includes('Enabled')) return { name: 'KMSInvalidStateException', text: 'is not pending deletion.' }
  return { name: 'DisabledException', text: 'is disabled.' }
}

function arnOf(account: string, id: string): string {
  return `arn:aws:kms:us-east-1:${account}:key/${id}`
}

async function describe(client: KMSClient, KeyId: string) {
  return (await client.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata
}

async function makeKey(client: KMSClient) {
  const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
  const KeyId = KeyMetadata?.Arn ?? ''
  const { CiphertextBlob } = await client.send(new EncryptCommand({ KeyId, Plaintext: new Uint8Array([1]) }))
  return { arn: KeyId, ciphertext: CiphertextBlob }
}

async function setup(t: TestContext) {
  const kms = await startTimedKms(t)
  const client = kms.as(ACCOUNT)
  const [meant, other] = [await makeKey(client), await makeKey(client)]
  const subject = {
    key: meant.arn,
    ciphertext: meant.ciphertext,
    otherKey: other.arn,
    otherCiphertext: other.ciphertext,
  }
  return { kms, client, subject }
}
