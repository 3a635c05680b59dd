/** PutKeyPolicy as the AWS SDK meets it: what is put is read back, in force at once and after a crash; and what is refused. */

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GetKeyPolicyCommand,
  KMSClient,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms'
import { failure, refuses, startTestKms, type TestCredential, type TestKms } from '#shared/test-kms'

const ACCOUNT = '000000000000'
const DELEGATING = allow(`arn:aws:iam::${ACCOUNT}:root`)

let kms: TestKms
const clients: KMSClient[] = []
before(async () => {
  kms = await startTestKms()
})
after(async () => {
  for (const client of clients) client.destroy()
  await kms[Symbol.asyncDispose]()
})

suite('PutKeyPolicy', () => {
  test('is read back as it was put, is in force at once, and outlives a crash', async () => {
    await using own = await startTestKms()
    const admin = clientOf(own.user, own)
    const { arn } = await newKey(admin)
    const user = await own.addUser(`arn:aws:iam::${ACCOUNT}:user/ops`)
    const policy = JSON.stringify(document([...DELEGATING, ...deny(user.arn, 'kms:Encrypt')]), undefined, 3)
    await encrypt(clientOf(user, own), arn)
    await admin.send(new PutKeyPolicyCommand({ KeyId: arn, Policy: policy }))
    const text = `User: ${user.arn} is not authorized to perform: kms:Encrypt on resource: ${arn} with an explicit deny in a resource-based policy`
    await refuses(encrypt(clientOf(user, own), arn), 'AccessDeniedException', text)
    await own.kill()
    await own.start()
    const { Policy, PolicyName } = await clientOf(own.user, own).send(new GetKeyPolicyCommand({ KeyId: arn }))
    assert.deepEqual([Policy, PolicyName], [policy, 'default'])
    await refuses(encrypt(clientOf(user, own), arn), 'AccessDeniedException', text)
  })

  test('is never in force as somebody edited it on disk', async () => {
    await using own = await startTestKms()
    const admin = clientOf(own.user, own)
    const { arn } = await newKey(admin)
    const before = JSON.stringify(document(DELEGATING))
    await put(admin, arn, before)
    await put(admin, arn, JSON.stringify(document([...DELEGATING, ...deny('*', 'kms:Decrypt')])))
    await own.kill()
    await edit(join(own.dir, 'kms', 'keystore.json'))
    await own.start()
    const { Policy } = await clientOf(own.user, own).send(new GetKeyPolicyCommand({ KeyId: arn }))
    assert.equal(Policy, before, 'the backup has the state before the last change')
    assert.ok(own.log.some(({ event, alarm }) => event === 'keystore.backup-used' && alarm === true))
    await own.kill()
    // Until the next change there is only that.
    await edit(join(own.dir, 'kms', 'keystore.json.bak'))
    await assert.rejects(own.start(), { code: 'KEYSTORE_DAMAGED' })
  })

  test('refuses a policy by which nobody here could put another, unless told otherwise', async () => {
    const admin = clientOf(kms.user)
    const { arn } = await newKey(admin)
    const Policy = JSON.stringify(document(allow(kms.user.arn, 'kms:Encrypt')))
    const text = 'The new key policy will not allow you to update the key policy in the future.'
    await refuses(put(admin, arn, Policy), 'MalformedPolicyDocumentException', text)
    await refuses(admin.send(new CreateKeyCommand({ Policy })), 'MalformedPolicyDocumentException', text)
    await admin.send(new PutKeyPolicyCommand({ KeyId: arn, Policy, BypassPolicyLockoutSafetyCheck: true }))
    const denied = await failure(put(admin, arn, JSON.stringify(document(DELEGATING))))
    assert.match(denied.message, /because no resource-based policy allows the kms:PutKeyPolicy action$/)
    await encrypt(admin, arn)
  })

  test('judges that by what will be, not only by what is', async () => {
    const admin = clientOf(kms.user)
    const { arn } = await newKey(admin)
    await admin.send(new CreateAliasCommand({ AliasName: 'alias/locked', TargetKeyId: arn }))
    const later = { DateLessThan: { 'aws:CurrentTime': new Date(Date.now() + 3_600_000).toISOString() } }
    const begins = { NumericGreaterThan: { 'aws:EpochTime': String(Math.floor(Date.now() / 1000) + 3_600) } }
    const named = { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/locked' } }
    const unchecked = { Bool: { 'kms:BypassPolicyLockoutSafetyCheck': 'true' } }
    const NotPrincipal = { AWS: `arn:aws:iam::${ACCOUNT}:root` }
    const denyAll = { Effect: 'Deny', Principal: '*', Action: 'kms:PutKeyPolicy', Resource: '*' }
    for (const [what, statements] of [
      ['a permission that ends', allow(kms.user.arn, 'kms:*', later)],
      ['a permission without the check alone', allow(kms.user.arn, 'kms:*', unchecked)],
      ['a Deny that begins', [...DELEGATING, { ...denyAll, Condition: begins }]],
      ['a Deny for the sake of an alias', [...DELEGATING, { ...denyAll, Condition: named }]],
      ['a Deny of all but the account', [...DELEGATING, { ...denyAll, Principal: undefined, NotPrincipal }]],
      ['actions by their opposite', [{ ...allow(kms.user.arn)[0], Action: undefined, NotAction: 'kms:Put*' }]],
      ['another key', [{ ...allow(kms.user.arn)[0], Resource: `${arn}0` }]],
    ] as const) {
      const { message } = await failure(put(admin, arn, JSON.stringify(document(statements))))
      assert.match(message, /^The new key policy will not allow you to update/, what)
    }
    const checked = { Bool: { 'kms:BypassPolicyLockoutSafetyCheck': 'false' }, ...named }
    await put(admin, arn, JSON.stringify(document(allow(kms.user.arn, 'kms:*', checked))))
    await put(admin, arn, JSON.stringify(document(DELEGATING)))
  })

  test('reads what is made to be expensive in bounded time, and others are served meanwhile', async () => {
    const admin = clientOf(kms.user)
    const { arn } = await newKey(admin)
    const bombs = [
      '['.repeat(32_000),
      '{"a":'.repeat(6_000),
      `{"Statement":[${'{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},'.repeat(500)}1]}`,
      '{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}',
      '{"Statement":{"Effect":"Deny","Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}',
    ]
    const stars = { StringLike: { 'kms:EncryptionContext:a': '*?a'.repeat(10_500) } }
    const since = performance.now()
    await Promise.all([
      ...bombs.map((bomb) => refuses(put(admin, arn, bomb), 'MalformedPolicyDocumentException')),
      ...bombs.map((Policy) =>
        refuses(admin.send(new CreateKeyCommand({ Policy })), 'MalformedPolicyDocumentException'),
      ),
      put(admin, arn, JSON.stringify(document([...DELEGATING, ...allow('*', 'kms:*', stars)]))),
      encrypt(admin, arn),
    ])
    const EncryptionContext = { a: 'a'.repeat(8_191) }
    await admin.send(new EncryptCommand({ KeyId: arn, Plaintext: new Uint8Array([1]), EncryptionContext }))
    assert.ok(performance.now() - since < 3_000)
  })

  test('refuses principals that do not exist', async () => {
    const admin = clientOf(kms.user)
    const { arn } = await newKey(admin)
    for (const nobody of [
      `arn:aws:iam::${ACCOUNT}:user/nobody`,
      `arn:aws:sts::${ACCOUNT}:assumed-role/none/x`,
      'ada',
    ]) {
      const Policy = JSON.stringify(document([...DELEGATING, ...allow(nobody)]))
      const text = 'Policy contains a statement with one or more invalid principals.'
      await refuses(put(admin, arn, Policy), 'MalformedPolicyDocumentException', text)
    }
  })

  test('refuses an encryption context tested with ForAllValues or ForAnyValue', async () => {
    const admin = clientOf(kms.user)
    const { arn } = await newKey(admin)
    for (const operator of ['ForAllValues:StringEquals', 'ForAnyValue:StringLike']) {
      const Condition = { [operator]: { 'kms:encryptioncontext:a': 'b' } }
      const Policy = JSON.stringify(document([...DELEGATING, ...allow('*', 'kms:Decrypt', Condition)]))
      const { name, message } = await failure(put(admin, arn, Policy))
      assert.equal(name, 'MalformedPolicyDocumentException')
      assert.ok(message.startsWith('OverlyPermissiveCondition:EncryptionContext:'), message)
    }
  })

  test('takes a statement without Action or Resource, which has no effect', async () => {
    const admin = clientOf(kms.user)
    const { arn } = await newKey(admin)
    const idle = [
      { Effect: 'Deny', Principal: '*', Resource: '*' },
      { Effect: 'Deny', Principal: '*', Action: 'kms:*' },
    ]
    await put(admin, arn, JSON.stringify(document([...DELEGATING, ...idle])))
    await encrypt(admin, arn)
  })

  test('is refused for an AWS managed key', async () => {
    const admin = clientOf(kms.user)
    const { KeyMetadata } = await admin.send(new DescribeKeyCommand({ KeyId: 'alias/aws/sns' }))
    const sent = put(admin, String(KeyMetadata?.Arn), JSON.stringify(document(DELEGATING)))
    const { name, message } = await failure(sent)
    assert.equal(name, 'AccessDeniedException')
    assert.match(message, /because no resource-based policy allows the kms:PutKeyPolicy action$/)
  })
})

function clientOf(credentials: TestCredential, { endpoint } = kms): KMSClient {
  const client = new KMSClient({ endpoint, region: 'us-east-1', credentials })
  clients.push(client)
  return client
}

async function newKey(client: KMSClient): Promise<{ arn: string }> {
  const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
  return { arn: String(KeyMetadata?.Arn) }
}

function encrypt(client: KMSClient, KeyId: string): Promise<unknown> {
  return client.send(new EncryptCommand({ KeyId, Plaintext: new Uint8Array([1]) }))
}

function put(client: KMSClient, KeyId: string, Policy: string): Promise<unknown> {
  return client.send(new PutKeyPolicyCommand({ KeyId, Policy }))
}

/** Leaves it well-formed. */
async function edit(path: string): Promise<void> {
  const text = await readFile(path, 'utf8')
  const edited = text.replaceAll('kms:*', 'kms:E*')
  assert.notEqual(edited, text)
  await writeFile(path, edited)
}

function document(Statement: readonly object[]): object {
  return { Version: '2012-10-17', Statement }
}

function allow(principal: string, Action = 'kms:*', Condition: object = {}): readonly object[] {
  return [{ Effect: 'Allow', Principal: { AWS: principal }, Action, Resource: '*', Condition }]
}

function deny(principal: string, Action: string): readonly object[] {
  return [{ Effect: 'Deny', Principal: { AWS: principal }, Action, Resource: '*' }]
}
