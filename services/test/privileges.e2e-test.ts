/**
 * What attackers try against policies of topics, keys and roles. Services that are made to act for somebody else's source are
 * in event-sources.e2e-test.ts.
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import {
  CreateGrantCommand,
  CreateKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  type KMSClient,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms'
import { CreateTopicCommand, ListTopicsCommand, SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns'
import { AssumeRoleCommand, type AssumeRoleCommandInput, STSClient } from '@aws-sdk/client-sts'
import { ADMINISTRATOR_ACCESS, addPrincipal, addService, type PolicyDocuments } from '#shared/principals'
import { failure } from '#shared/test-kms'
import { createTopic, kmsClient, publish, snsClient, trustStack } from './messaging.ts'
import { ACCOUNT_CASES, documentOf, IDENTITY_CASES, OURS, THEM, TOPICS } from './privilege-cases.ts'
import { putRole } from './roles.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'
import { withHeaders } from './with-headers.ts'

type Credentials = Stack['clientConfig']['credentials'] & { readonly sessionToken?: string }

const SERVICE = 'config.amazonaws.com'
const RULE = `arn:aws:config:us-east-1:${OURS}:rule/ours`
const FOREIGN_RULE = `arn:aws:config:us-east-1:${THEM}:rule/theirs`
const ROOT = { Sid: 'root', Effect: 'Allow', Principal: { AWS: OURS }, Action: 'kms:*', Resource: '*' }
const denied = { name: 'AuthorizationErrorException' }
const deniedByKms = { name: 'AccessDeniedException' }

suite('privileges', () => {
  let stack: Stack
  let owner: SNSClient
  let kms: KMSClient
  let service: Credentials
  /** By name. */
  const users = new Map<string, Credentials>()
  const clients: { destroy(): void }[] = []

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    owner = snsClient(stack)
    kms = kmsClient(stack)
    clients.push(owner, kms)
    for (const Name of TOPICS) await owner.send(new CreateTopicCommand({ Name }))
    for (const [at, identity] of IDENTITY_CASES.entries()) {
      await addUser(`trap-${at}`, { policies: documentOf(identity), tags: identity.tags ?? {} })
    }
    await addUser('admin', { account: THEM, policies: ADMINISTRATOR_ACCESS })
    await addUser('bare', { account: THEM, policies: {} })
    await addUser('user', { policies: ADMINISTRATOR_ACCESS })
    await addUser('keyless', { policies: {} })
    service = await addService(join(stack.home, 'principals.json'), { service: SERVICE })
    const last = snsAs(service)
    const isKnown = (error: Error) => error.name !== 'InvalidClientTokenId'
    await until('all are known', () => last.send(new ListTopicsCommand({})).then(Boolean, isKnown))
    const key = new GenerateDataKeyCommand({ KeyId: 'alias/none', KeySpec: 'AES_256' })
    await until(
      'the KMS knows them',
      async () => (await failure(kmsAs('keyless').send(key))).name === 'AccessDeniedException',
    )
  })

  after(async () => {
    for (const client of clients) client.destroy()
    await stack[Symbol.asyncDispose]()
  })

  for (const [at, { what, publishesTo }] of IDENTITY_CASES.entries()) {
    test(`of an identity policy with ${what} are what its author meant`, async () => {
      const sns = snsAs(of(`trap-${at}`))
      for (const name of TOPICS) {
        const sent = publish(sns, `arn:aws:sns:us-east-1:${OURS}:${name}`, 'x')
        if (publishesTo.includes(name)) await sent
        else await assert.rejects(sent, denied, name)
      }
    })
  }

  for (const { what, statements, allows } of ACCOUNT_CASES) {
    test(`of another account are none but what a topic policy gives that ${what}`, async () => {
      const TopicArn = await createTopic(owner)
      await owner.send(policyOf(TopicArn, statements))
      for (const name of ['admin', 'bare'] as const) {
        const sent = publish(snsAs(of(name)), TopicArn, 'x')
        if (allows.includes(name)) await sent
        else await assert.rejects(sent, denied, name)
      }
    })
  }

  test('are not given to everybody else by NotPrincipal, which topic policies do not have', async () => {
    const TopicArn = await createTopic(owner)
    for (const Effect of ['Allow', 'Deny']) {
      const statement = { Effect, NotPrincipal: { AWS: THEM }, Action: 'SNS:Publish' }
      await assert.rejects(owner.send(policyOf(TopicArn, [statement])), { name: 'InvalidParameterException' })
    }
  })

  test('to use a key are denied by NotPrincipal to who is listed without his account, and left to who is with it', async () => {
    const KeyId = await createKeyWith([])
    const user = `arn:aws:iam::${OURS}:user/user`
    const deny = (AWS: readonly string[]) => [
      { Effect: 'Deny', NotPrincipal: { AWS }, Action: 'kms:Encrypt', Resource: '*' },
    ]
    const encrypt = new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') })
    await putKeyPolicy(KeyId, deny([user]))
    for (const client of [kmsAs('user'), kms]) await assert.rejects(client.send(encrypt), deniedByKms)
    await putKeyPolicy(KeyId, deny([user, OURS]))
    await kmsAs('user').send(encrypt)
    await assert.rejects(kms.send(encrypt), deniedByKms)
    const allowing = { Effect: 'Allow', NotPrincipal: { AWS: THEM }, Action: 'kms:*', Resource: '*' }
    await assert.rejects(putKeyPolicy(KeyId, [allowing]), { name: 'MalformedPolicyDocumentException' })
  })

  test('to use a key through SNS are none to use it directly, whatever the caller says of itself', async () => {
    const arn = `arn:aws:iam::${OURS}:user/keyless`
    const KeyId = await createKeyWith([
      {
        Effect: 'Allow',
        Principal: { AWS: arn },
        Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
        Resource: '*',
        Condition: { StringEquals: { 'kms:ViaService': 'sns.us-east-1.amazonaws.com' } },
      },
    ])
    const generate = new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' })
    await assert.rejects(kmsAs('keyless').send(generate), deniedByKms)
    for (const headers of [
      { 'x-sealcast-on-behalf-of': arn },
      { 'x-sealcast-on-behalf-of': `arn:aws:iam::${OURS}:user/user` },
      { 'x-sealcast-purpose': 'deliver' },
      { 'x-amz-source-arn': RULE },
      { 'kms-via-service': 'sns.us-east-1.amazonaws.com' },
    ]) {
      await assert.rejects(withHeaders(kmsAs('keyless'), headers).send(generate), deniedByKms)
    }
    const TopicArn = await createTopic(owner, { KmsMasterKeyId: KeyId })
    await owner.send(policyOf(TopicArn, [{ Effect: 'Allow', Principal: { AWS: arn }, Action: 'SNS:Publish' }]))
    await publish(snsAs(of('keyless')), TopicArn, 'x')
  })

  test('that a grant gives are handed on within the grant alone', async () => {
    const KeyId = await createKeyWith([])
    const GranteePrincipal = `arn:aws:iam::${OURS}:user/keyless`
    const Constraints = { EncryptionContextSubset: { team: 'a' } }
    const grant = { KeyId, GranteePrincipal, Operations: ['CreateGrant' as const, 'Encrypt' as const], Constraints }
    await kms.send(new CreateGrantCommand(grant))
    const grantee = kmsAs('keyless')
    for (const wider of [
      { Operations: ['Decrypt' as const] },
      { Operations: ['Encrypt' as const, 'RetireGrant' as const] },
      { Constraints: undefined },
      { Constraints: { EncryptionContextSubset: { team: 'b' } } },
      { Constraints: { EncryptionContextSubset: { Team: 'a' } } },
      { Constraints: { EncryptionContextEquals: { other: 'a' } } },
    ]) {
      await assert.rejects(grantee.send(new CreateGrantCommand({ ...grant, ...wider })), deniedByKms)
    }
    const narrower = { EncryptionContextEquals: { team: 'a', more: 'b' } }
    await grantee.send(new CreateGrantCommand({ ...grant, Constraints: narrower, Operations: ['Encrypt'] }))
    const Plaintext = Buffer.from('x')
    await grantee.send(new EncryptCommand({ KeyId, Plaintext, EncryptionContext: { team: 'a' } }))
    for (const EncryptionContext of [{}, { TEAM: 'a' }, { team: 'A' }]) {
      await assert.rejects(grantee.send(new EncryptCommand({ KeyId, Plaintext, EncryptionContext })), deniedByKms)
    }
  })

  test('of a role are for the service that it trusts, acting for the source that it trusts, and for nobody else', async () => {
    const RoleArn = putRole(stack, {
      name: 'sources/writer',
      trusts: { Service: SERVICE },
      when: { ArnEquals: { 'aws:SourceArn': RULE }, StringEquals: { 'aws:SourceAccount': OURS } },
      may: [{ Effect: 'Allow', Action: ['sns:Publish', 'kms:GenerateDataKey', 'kms:Decrypt'], Resource: '*' }],
    })
    const input = { RoleArn, RoleSessionName: 'rule' }
    const ours = { 'x-amz-source-arn': RULE, 'x-amz-source-account': OURS }
    const isTrusted = () => assume(service, input, ours).catch(() => undefined)
    const session = snsAs(await until('the role is known', isTrusted))
    const TopicArn = await createTopic(owner, { KmsMasterKeyId: await createKeyWith([]) })
    await publish(session, TopicArn, 'by the role')
    await assert.rejects(session.send(new ListTopicsCommand({})), denied)
    // By its own right the service may not.
    await assert.rejects(publish(snsAs(service), TopicArn, 'x'), denied)
    for (const [who, headers] of [
      [service, { 'x-amz-source-arn': FOREIGN_RULE }],
      [service, { 'x-amz-source-arn': RULE }],
      [service, { 'x-amz-source-account': OURS }],
      [service, {}],
      [of('user'), ours],
      [stack.clientConfig.credentials, ours],
    ] as const) {
      await assert.rejects(assume(who, input, headers), { name: 'AccessDenied' })
    }
  })

  test('of a role are none of sessions that began before a policy of it says', async () => {
    const TopicArn = await createTopic(owner)
    const before = (time: string) => ({ DateLessThan: { 'aws:TokenIssueTime': time } })
    for (const [name, time, works] of [
      ['current', '2026-01-01T00:00:00Z', true],
      ['revoked', new Date(Date.now() + 3_600_000).toISOString(), false],
    ] as const) {
      const revoking = { Effect: 'Deny', Action: '*', Resource: '*', Condition: before(time) }
      const may = [{ Effect: 'Allow', Action: '*', Resource: '*' }, revoking]
      const RoleArn = putRole(stack, { name, trusts: { AWS: OURS }, may })
      const { credentials } = stack.clientConfig
      const begin = () => assume(credentials, { RoleArn, RoleSessionName: 'ada' }).catch(() => undefined)
      const session = await until('the role is known', begin)
      const sent = publish(snsAs(session), TopicArn, 'x')
      if (works) await sent
      else await assert.rejects(sent, denied)
      const ownKms = kmsOf(session)
      const answered = async () => {
        const outcome = await ownKms.send(new CreateKeyCommand({})).then(
          () => 'created',
          (error: Error) => error.name,
        )
        return outcome !== 'UnrecognizedClientException' && outcome
      }
      assert.equal(await until('the KMS knows the role', answered), works ? 'created' : deniedByKms.name)
    }
  })

  async function addUser(
    name: string,
    {
      account = OURS,
      ...rest
    }: { account?: string; policies: PolicyDocuments; tags?: Readonly<Record<string, string>> },
  ): Promise<void> {
    const arn = `arn:aws:iam::${account}:user/${name}`
    users.set(name, await addPrincipal(join(stack.home, 'principals.json'), { arn, ...rest }))
  }

  function of(name: string): Credentials {
    return users.get(name) ?? assert.fail(name)
  }

  function kept<T extends { destroy(): void }>(client: T): T {
    clients.push(client)
    return client
  }

  function snsAs(credentials: Credentials): SNSClient {
    return kept(new SNSClient({ ...stack.clientConfig, credentials }))
  }

  function kmsOf(credentials: Credentials): KMSClient {
    return kept(kmsClient(stack, credentials))
  }

  function kmsAs(name: string): KMSClient {
    return kmsOf(of(name))
  }

  async function createKeyWith(statements: readonly object[]): Promise<string> {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Policy: document([ROOT, ...statements]) }))
    return KeyMetadata?.Arn ?? ''
  }

  function putKeyPolicy(KeyId: string, statements: readonly object[]) {
    return kms.send(new PutKeyPolicyCommand({ KeyId, Policy: document([ROOT, ...statements]) }))
  }

  async function assume(who: Credentials, input: AssumeRoleCommandInput, headers: object = {}): Promise<Credentials> {
    const { Credentials: given } = await withHeaders(
      kept(new STSClient({ ...stack.clientConfig, credentials: who })),
      headers,
    ).send(new AssumeRoleCommand(input))
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = given ?? {}
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken }
  }
})

function document(Statement: readonly object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement })
}

function policyOf(TopicArn: string, statements: readonly object[]): SetTopicAttributesCommand {
  const AttributeValue = document(statements.map((one, at) => ({ Sid: String(at), ...one, Resource: TopicArn })))
  return new SetTopicAttributesCommand({ TopicArn, AttributeName: 'Policy', AttributeValue })
}
