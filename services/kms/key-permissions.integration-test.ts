/** Every operation on a key, by who asks and what key policy and identity policies say. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { suite, type TestContext, test } from 'node:test'
import {
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateRandomCommand,
  type KMSClient,
  ListAliasesCommand,
  ListKeysCommand,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms'
import { compilePolicy, type NamedPolicy } from '#shared/policy'
import { failure } from '#shared/test-kms'
import { EVERYTHING } from './everything.ts'
import { KEY_OPERATIONS, type KeyOperation } from './testing/key-operations.ts'
import { startTimedKms } from './testing/start-timed-kms.ts'

const [ACCOUNT, OTHER] = ['111122223333', '444455556666'] as const
const [ADA, STRANGER] = [`arn:aws:iam::${ACCOUNT}:user/ada`, `arn:aws:iam::${OTHER}:user/eve`] as const

/** What needs a permission that no key policy can give. */
const NAMING = { Effect: 'Allow', Action: 'kms:*Alias', Resource: 'arn:aws:kms:*:*:alias/*' }
const ON_ALIASES = identity([NAMING, { Effect: 'Allow', Action: 'kms:ListAliases', Resource: '*' }])

const ACROSS_ACCOUNTS =
  /^(?:Encrypt|Decrypt|ReEncrypt|GenerateDataKey|GenerateDataKeyWithoutPlaintext|DescribeKey|GetKeyRotationStatus|CreateGrant|ListGrants)$/

for (const operation of KEY_OPERATIONS) {
  const [name = ''] = operation.name.split(' ')
  const across = ACROSS_ACCOUNTS.test(name) ? 'allowed' : 'denied'

  suite(operation.name, () => {
    const outcomes: readonly [string, string, readonly NamedPolicy[], readonly object[], string][] = [
      ['an administrator under the default policy', ADA, EVERYTHING, [], 'allowed'],
      ['nobody without an identity policy', ADA, [], [], 'denied'],
      ['whom the key policy names', ADA, ON_ALIASES, [statement('Allow', ADA)], 'allowed'],
      ['nobody whom the key policy denies it', ADA, EVERYTHING, [statement('Deny', ADA)], 'denied'],
      ['another account when both sides allow', STRANGER, EVERYTHING, [statement('Allow', rootOf(OTHER))], across],
      ['another account by its identity policy alone', STRANGER, EVERYTHING, [], 'denied'],
      ['another account by the key policy alone', STRANGER, [], [statement('Allow', STRANGER)], 'denied'],
      ['another account that nobody allows', STRANGER, [], [], 'denied'],
    ]
    for (const [who, arn, policies, statements, expected] of outcomes) {
      test(`${expected === 'allowed' ? 'serves' : 'does not serve'} ${who}`, async (t) => {
        const { send } = await setup(t, { operation, arn, policies, statements })
        assert.equal(outcomeOf(await send()), expected)
      })
    }

    test('tells nobody whether there is a key that may not be used', async (t) => {
      for (const arn of [ADA, STRANGER]) {
        const { send, key } = await setup(t, { operation, arn, policies: identity([NAMING]), statements: [] })
        const unknown = key.replace(/[^/]*$/, randomUUID())
        const [known, none] = [await send(), await send(unknown)]
        assert.equal(outcomeOf(known), 'denied')
        if (!/^(?:Decrypt|ReEncrypt)/.test(name)) {
          assert.equal(known?.message.replaceAll(key, 'ARN'), none?.message.replaceAll(unknown, 'ARN'))
        }
      }
    })
  })
}

suite('what concerns no key', () => {
  const operations: readonly [string, (client: KMSClient) => Promise<unknown>][] = [
    ['CreateKey', (client) => client.send(new CreateKeyCommand({}))],
    ['GenerateRandom', (client) => client.send(new GenerateRandomCommand({ NumberOfBytes: 8 }))],
    ['ListKeys', (client) => client.send(new ListKeysCommand({}))],
    ['ListAliases', (client) => client.send(new ListAliasesCommand({}))],
  ]
  for (const [name, send] of operations) {
    test(`${name} needs an identity policy`, async (t) => {
      const kms = await startTimedKms(t)
      const allowed = identity([{ Effect: 'Allow', Action: `kms:${name}`, Resource: '*' }])
      await send(kms.asUser(ADA, allowed))
      const { message } = await failure(send(kms.asUser(ADA, [])))
      const text = `User: ${ADA} is not authorized to perform: kms:${name} on resource: * because no identity-based policy allows the kms:${name} action`
      assert.equal(message, text)
    })
  }
})

suite('conditions', () => {
  const context = { 'aws:sns:topicArn': 'arn:aws:sns:us-east-1:111122223333:orders' }
  const conditions: readonly [string, object, boolean][] = [
    ['a pair of the encryption context, its name in any case', { StringEquals: { 'kms:EncryptionContext:AWS:SNS:TOPICARN': context['aws:sns:topicArn'] } }, true],
    ['a pair whose value has another case', { StringEquals: { 'kms:EncryptionContext:aws:sns:topicArn': context['aws:sns:topicArn'].toUpperCase() } }, false],
    ['names of the encryption context', { 'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['aws:sns:topicArn'] } }, true],
    ['names of the encryption context in another case', { 'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': ['AWS:SNS:TOPICARN'] } }, false],
    ['a service that does not ask', { StringEquals: { 'kms:ViaService': 'sns.us-east-1.amazonaws.com' } }, false],
    ['the account of the caller', { StringEquals: { 'kms:CallerAccount': ACCOUNT, 'aws:PrincipalArn': ADA } }, true],
    ['an alias that was not used', { StringEquals: { 'kms:RequestAlias': 'alias/app' } }, false],
    ['where it comes from', { IpAddress: { 'aws:SourceIp': '127.0.0.0/8' }, Bool: { 'aws:SecureTransport': 'false' } }, true],
  ] // biome-ignore format: a table

  for (const [what, Condition, isMet] of conditions) {
    test(`${what}: ${isMet ? 'met' : 'not met'}`, async (t) => {
      const statements = [{ ...statement('Allow', ADA), Condition }]
      const { kms, key } = await setup(t, { arn: ADA, policies: [], statements })
      const client = kms.asUser(ADA, [])
      const sent = client.send(
        new GenerateDataKeyCommand({ KeyId: key, KeySpec: 'AES_256', EncryptionContext: context }),
      )
      if (isMet) await sent
      else assert.equal((await failure(sent)).name, 'AccessDeniedException')
    })
  }

  test('no pair hides another whose name differs in case alone', async (t) => {
    const Condition = { StringEquals: { 'kms:EncryptionContext:topic': 'mine' } }
    const { kms, key } = await setup(t, {
      arn: ADA,
      policies: [],
      statements: [{ ...statement('Allow', ADA), Condition }],
    })
    const client = kms.asUser(ADA, [])
    const ask = (EncryptionContext: Record<string, string>) =>
      client.send(new GenerateDataKeyCommand({ KeyId: key, KeySpec: 'AES_256', EncryptionContext }))
    await ask({ topic: 'mine' })
    for (const both of [
      { topic: 'mine', TOPIC: 'theirs' },
      { TOPIC: 'theirs', topic: 'mine' },
    ]) {
      assert.equal((await failure(ask(both))).name, 'AccessDeniedException')
    }
  })
})

suite('the broker', () => {
  test('needs GenerateDataKey and Decrypt of the publisher for either, and of what was accepted only the key policy', async (t) => {
    const half = [{ ...statement('Allow', ADA), Action: ['kms:GenerateDataKey'] }]
    const { kms, key, admin } = await setup(t, { arn: ADA, policies: [], statements: half })
    const nobody = `arn:aws:iam::${ACCOUNT}:user/nobody`
    const both = [{ ...statement('Allow', nobody), Action: ['kms:GenerateDataKey', 'kms:Decrypt'] }]
    await put(admin, key, both)
    const { CiphertextBlob } = await kms
      .asBrokerFor(nobody)
      .send(new GenerateDataKeyCommand({ KeyId: key, KeySpec: 'AES_256' }))
    await put(admin, key, [{ ...statement('Deny', nobody), Action: 'kms:GenerateDataKey' }])
    const open = (purpose: string) =>
      kms.asBrokerFor(nobody, { purpose }).send(new DecryptCommand({ CiphertextBlob, KeyId: key }))
    assert.equal((await failure(open('share'))).name, 'AccessDeniedException')
    await open('deliver')
    await put(admin, key, [{ ...statement('Deny', nobody), Action: 'kms:Decrypt' }])
    for (const purpose of ['deliver', 'reopen', 'probe']) {
      assert.equal((await failure(open(purpose))).name, 'AccessDeniedException')
    }
  })
})

function statement(Effect: 'Allow' | 'Deny', principal: string) {
  return { Effect, Principal: { AWS: principal }, Action: 'kms:*' as string | string[], Resource: '*' }
}

function identity(Statement: readonly object[]): readonly NamedPolicy[] {
  const text = JSON.stringify({ Version: '2012-10-17', Statement })
  return [{ name: 'test', policy: compilePolicy(text, { kind: 'identity' }) }]
}

function rootOf(account: string): string {
  return `arn:aws:iam::${account}:root`
}

/** Refusals for the key's state and the like come after the permission. */
function outcomeOf(error: Error | undefined): 'allowed' | 'denied' {
  return error?.name === 'AccessDeniedException' ? 'denied' : 'allowed'
}

async function put(admin: KMSClient, KeyId: string, statements: readonly object[]): Promise<void> {
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [statement('Allow', rootOf(ACCOUNT)), ...statements],
  })
  await admin.send(new PutKeyPolicyCommand({ KeyId, Policy }))
}

async function setup(
  t: TestContext,
  o: { operation?: KeyOperation; arn: string; policies: readonly NamedPolicy[]; statements: readonly object[] },
) {
  const kms = await startTimedKms(t)
  const admin = kms.as(ACCOUNT)
  const make = async () => {
    const { KeyMetadata } = await admin.send(new CreateKeyCommand({}))
    const KeyId = String(KeyMetadata?.Arn)
    const { CiphertextBlob } = await admin.send(new EncryptCommand({ KeyId, Plaintext: new Uint8Array([1]) }))
    if (o.statements.length > 0) await put(admin, KeyId, o.statements)
    return { arn: KeyId, ciphertext: CiphertextBlob }
  }
  const [{ arn: key, ciphertext }, other] = [await make(), await make()]
  const client = kms.asUser(o.arn, o.policies)
  const subject = { client, ciphertext, otherKey: other.arn, otherCiphertext: other.ciphertext }
  /** @returns the refusal, or undefined */
  const send = async (of = key): Promise<Error | undefined> => {
    try {
      await o.operation?.send({ ...subject, key: of })
      return undefined
    } catch (error) {
      if (error instanceof Error) return error
      throw error
    }
  }
  return { kms, admin, key, send }
}
