/** Every condition key that the policies of a key and of a principal may look at: a request that meets it and one that does not. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import {
  CreateAliasCommand,
  CreateGrantCommand,
  type CreateGrantCommandInput,
  CreateKeyCommand,
  DescribeKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  KMSClient,
  PutKeyPolicyCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-kms'
import { ADMINISTRATOR_ACCESS, addPrincipal, addRole, openPrincipals, setOrganization } from '#shared/principals'
import { readStsSecrets } from '#shared/secrets'
import { startSession } from '#shared/sts'
import { failure, startTestKms } from '#shared/test-kms'
import { ON_BEHALF_OF_HEADER } from './on-behalf-of.ts'

const [ACCOUNT, OTHER] = ['000000000000', '444455556666'] as const
const ADA = `arn:aws:iam::${ACCOUNT}:user/ada`
const BOB = `arn:aws:iam::${ACCOUNT}:user/bob`
const EVE = `arn:aws:iam::${OTHER}:user/eve`
const ROLE = `arn:aws:iam::${ACCOUNT}:role/team/ops`
const TOPIC = `arn:aws:sns:us-east-1:${ACCOUNT}:orders`
const CONTEXT = { 'aws:sns:topicArn': TOPIC }

type Stage = Awaited<ReturnType<typeof start>>
/** Asks something of the key of that ARN, which has the policy in question. */
type Ask = (stage: Stage, KeyId: string) => Promise<unknown>

/** Who asks: of these only Eve has an identity policy. */
type Who = 'ada' | 'bob' | 'eve' | 'session' | 'snsForAda' | 'snsForBob'

const describeAs =
  (who: Who): Ask =>
  (s, KeyId) =>
    s[who].send(new DescribeKeyCommand({ KeyId }))
const generateAs =
  (who: Who, EncryptionContext: Record<string, string> = CONTEXT): Ask =>
  (s, KeyId) =>
    s[who].send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext }))
const grant =
  (o: Partial<CreateGrantCommandInput>): Ask =>
  (s, KeyId) =>
    s.ada.send(new CreateGrantCommand({ KeyId, GranteePrincipal: BOB, Operations: ['Decrypt'], ...o }))
const rotate =
  (RotationPeriodInDays?: number): Ask =>
  (s, KeyId) =>
    s.ada.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays }))
const schedule =
  (PendingWindowInDays?: number): Ask =>
  (s, KeyId) =>
    s.ada.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays }))
const tag =
  (...pairs: string[]): Ask =>
  (s, KeyId) =>
    s.ada.send(new TagResourceCommand({ KeyId, Tags: tagsOf(pairs) }))
const untag =
  (...TagKeys: string[]): Ask =>
  (s, KeyId) =>
    s.ada.send(new UntagResourceCommand({ KeyId, TagKeys }))
const describeTagged =
  (...pairs: string[]): Ask =>
  async (s, KeyId) => {
    await s.admin.send(new TagResourceCommand({ KeyId, Tags: tagsOf(pairs) }))
    await describeAs('ada')(s, KeyId)
  }
const encryptBy =
  (AliasName: string, o: { ask?: string } = {}): Ask =>
  async (s, TargetKeyId) => {
    await s.admin.send(new CreateAliasCommand({ AliasName, TargetKeyId }))
    await s.ada.send(new EncryptCommand({ KeyId: o.ask ?? TargetKeyId, Plaintext: new Uint8Array([1]) }))
  }

// biome-ignore format: a table
const ROWS: readonly [key: string, Condition: object, meets: readonly Ask[], not: readonly Ask[]][] = [
  ['kms:ViaService', equals('kms:ViaService', 'sns.us-east-1.amazonaws.com'), [generateAs('snsForAda')], [generateAs('ada')]],
  ['kms:CallerAccount', equals('kms:CallerAccount', ACCOUNT), [describeAs('ada'), describeAs('session')], [describeAs('eve')]],
  ['kms:EncryptionContext:KEY', equals('kms:EncryptionContext:AWS:SNS:TopicArn', TOPIC), [generateAs('ada'), generateAs('snsForAda'), grant({ Constraints: { EncryptionContextEquals: CONTEXT } })], [
    generateAs('ada', { 'aws:sns:topicArn': TOPIC.toUpperCase() }), generateAs('ada', {}), describeAs('ada'), grant({}),
    generateAs('ada', { 'aws:sns:topicArn': TOPIC, 'aws:sns:topicarn': 'other' }), generateAs('ada', { 'aws:sns:topicarn': 'other', 'aws:sns:topicArn': TOPIC }),
  ]],
  ['kms:EncryptionContextKeys', { 'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': 'aws:sns:topicArn' } }, [generateAs('ada'), generateAs('ada', { ...CONTEXT, more: '' })], [generateAs('ada', { 'AWS:SNS:topicArn': TOPIC }), generateAs('ada', {}), describeAs('ada')]],
  ['kms:RequestAlias', equals('kms:RequestAlias', 'alias/asked'), [encryptBy('alias/asked', { ask: 'alias/asked' })], [encryptBy('alias/other', { ask: 'alias/other' }), describeAs('ada')]],
  ['kms:ResourceAliases', { 'ForAnyValue:StringLike': { 'kms:ResourceAliases': 'alias/named-*' } }, [encryptBy('alias/named-1'), encryptBy('alias/named-2', { ask: 'alias/named-2' })], [encryptBy('alias/else'), describeAs('ada')]],
  ['kms:GrantOperations', { 'ForAllValues:StringEquals': { 'kms:GrantOperations': ['Decrypt', 'Encrypt'] }, Null: { 'kms:GrantOperations': 'false' } }, [grant({}), grant({ Operations: ['Encrypt', 'Decrypt'] })], [grant({ Operations: ['Decrypt', 'GenerateDataKey'] }), describeAs('ada')]],
  ['kms:GranteePrincipal', equals('kms:GranteePrincipal', BOB), [grant({})], [grant({ GranteePrincipal: EVE })]],
  ['kms:RetiringPrincipal', equals('kms:RetiringPrincipal', BOB), [grant({ RetiringPrincipal: BOB })], [grant({ RetiringPrincipal: EVE }), grant({})]],
  ['kms:GrantConstraintType', equals('kms:GrantConstraintType', 'EncryptionContextSubset'), [grant({ Constraints: { EncryptionContextSubset: CONTEXT } })], [grant({ Constraints: { EncryptionContextEquals: CONTEXT } }), grant({})]],
  ['kms:GrantIsForAWSResource', { Bool: { 'kms:GrantIsForAWSResource': 'false' } }, [grant({})], [describeAs('ada')]],
  ['kms:GrantIsForAWSResource, of no service', { Bool: { 'kms:GrantIsForAWSResource': 'true' } }, [], [grant({})]],
  ['kms:RotationPeriodInDays', { NumericLessThanEquals: { 'kms:RotationPeriodInDays': '180' } }, [rotate(90), rotate(180)], [rotate(181), rotate(), describeAs('ada')]],
  ['kms:ScheduleKeyDeletionPendingWindowInDays', { NumericGreaterThanEquals: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '14' } }, [schedule(14), schedule()], [schedule(13), describeAs('ada')]],
  ['kms:KeySpec, KeyUsage and KeyOrigin', equals('kms:KeySpec', 'SYMMETRIC_DEFAULT', 'kms:KeyUsage', 'ENCRYPT_DECRYPT', 'kms:KeyOrigin', 'AWS_KMS'), [describeAs('ada')], []],
  ['kms:KeySpec of another kind', equals('kms:KeySpec', 'RSA_2048'), [], [describeAs('ada')]],
  ['kms:KeyUsage of another kind', equals('kms:KeyUsage', 'SIGN_VERIFY'), [], [describeAs('ada')]],
  ['kms:KeyOrigin of another kind', equals('kms:KeyOrigin', 'EXTERNAL'), [], [describeAs('ada')]],
  ['aws:ResourceTag', equals('aws:ResourceTag/Env', 'dev'), [describeTagged('Env=dev'), describeTagged('env=dev')], [describeTagged('Env=prod'), describeTagged('Env=DEV'), describeAs('ada'), describeTagged('env=dev', 'ENV=prod'), describeTagged('env=prod', 'ENV=dev')]],
  ['aws:RequestTag', equals('aws:RequestTag/env', 'dev'), [tag('env=dev'), tag('owner=ada', 'env=dev')], [tag('env=prod'), tag('owner=ada'), untag('env'), tag('env=dev', 'ENV=prod'), tag('ENV=prod', 'env=dev')]],
  ['aws:TagKeys', { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['env', 'team'] }, Null: { 'aws:TagKeys': 'false' } }, [tag('env=dev'), untag('team', 'env')], [tag('env=dev', 'owner=ada'), tag('ENV=dev'), untag('env', 'owner'), describeAs('ada')]],
  ['aws:PrincipalOrgID', equals('aws:PrincipalOrgID', 'o-abcdefghij'), [describeAs('ada'), describeAs('session'), generateAs('snsForAda')], [describeAs('eve')]],
  ['aws:PrincipalTag', equals('aws:PrincipalTag/Team', 'blue'), [describeAs('ada'), describeAs('session'), generateAs('snsForAda')], [describeAs('bob'), generateAs('snsForBob')]],
  ['aws:PrincipalArn', equals('aws:PrincipalArn', ADA), [describeAs('ada'), generateAs('snsForAda')], [describeAs('bob'), describeAs('session'), generateAs('snsForBob')]],
  ['aws:PrincipalArn of a role', equals('aws:PrincipalArn', ROLE), [describeAs('session')], [describeAs('ada')]],
  ['aws:PrincipalAccount', equals('aws:PrincipalAccount', ACCOUNT), [describeAs('ada')], [describeAs('eve')]],
  ['aws:CalledVia', { 'ForAnyValue:StringEquals': { 'aws:CalledVia': 'sns.amazonaws.com' } }, [generateAs('snsForAda')], [generateAs('ada')]],
  ['aws:ViaAWSService', { Bool: { 'aws:ViaAWSService': 'true' } }, [generateAs('snsForAda')], [generateAs('ada')]],
  ['aws:SourceIp', { IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } }, [describeAs('ada')], [generateAs('snsForAda')]],
  ['aws:SourceIp of elsewhere', { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, [], [describeAs('ada')]],
  ['aws:SecureTransport', { Bool: { 'aws:SecureTransport': 'true' } }, [generateAs('snsForAda')], [generateAs('ada')]],
  ['aws:CurrentTime', { DateGreaterThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' }, DateLessThan: { 'aws:CurrentTime': '2999-01-01T00:00:00Z' } }, [describeAs('ada'), generateAs('snsForAda')], []],
  ['aws:CurrentTime of the past', { DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } }, [], [describeAs('ada')]],
  ['aws:EpochTime', { NumericGreaterThan: { 'aws:EpochTime': '1577836800' } }, [describeAs('ada')], []],
  ['aws:UserAgent', { StringLike: { 'aws:UserAgent': 'aws-sdk-js/*' } }, [describeAs('ada')], [generateAs('snsForAda')]],
  ['aws:PrincipalType', equals('aws:PrincipalType', 'AssumedRole'), [describeAs('session')], [describeAs('ada')]],
]

let stage: Stage
before(async () => {
  stage = await start()
})
after(() => stage.dispose())

suite('a condition of a key policy on', () => {
  for (const [key, Condition, meets, not] of ROWS) {
    test(key, async () => {
      for (const [at, ask] of meets.entries()) await ask(stage, await newKey(Condition)).catch(assertNone(`met ${at}`))
      for (const [at, ask] of not.entries()) {
        const { name } = await failure(ask(stage, await newKey(Condition)))
        assert.equal(name, 'AccessDeniedException', `not met ${at}`)
      }
    })
  }
})

suite('a condition of an identity policy on CreateKey', () => {
  test('looks at the tags that the key is to have, in each spelling', async () => {
    const create = (...pairs: string[]) => stage.maker.send(new CreateKeyCommand({ Tags: tagsOf(pairs) }))
    await create('env=dev')
    for (const pairs of [
      [],
      ['env=prod'],
      ['env=dev', 'owner=ada'],
      ['env=dev', 'ENV=prod'],
      ['ENV=prod', 'env=dev'],
    ]) {
      const { name } = await failure(create(...pairs))
      assert.equal(name, 'AccessDeniedException', pairs.join())
    }
  })
})

function assertNone(what: string) {
  return (error: Error) => assert.fail(`${what}: ${error.message}`)
}

function equals(...pairs: string[]): object {
  return {
    StringEquals: Object.fromEntries(pairs.flatMap((name, at) => (at % 2 === 0 ? [[name, pairs[at + 1]]] : []))),
  }
}

function tagsOf(pairs: readonly string[]) {
  return pairs.map((pair) => {
    const [TagKey = '', TagValue = ''] = pair.split('=')
    return { TagKey, TagValue }
  })
}

/** What is no administrator's is allowed on the condition alone. */
async function newKey(Condition: object): Promise<string> {
  const { KeyMetadata } = await stage.admin.send(new CreateKeyCommand({}))
  const KeyId = String(KeyMetadata?.Arn)
  const Statement = [
    { Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'kms:*', Resource: '*' },
    { Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*', Condition },
  ]
  await stage.admin.send(
    new PutKeyPolicyCommand({ KeyId, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
  )
  return KeyId
}

async function start() {
  await using cleanup = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'sealcast-conditions-'))
  cleanup.defer(() => rm(dir, { recursive: true }))
  const file = join(dir, 'principals.json')
  const ada = await addPrincipal(file, { arn: ADA, tags: { team: 'blue' } })
  const bob = await addPrincipal(file, { arn: BOB, tags: { team: 'red' } })
  const eve = await addPrincipal(file, { arn: EVE, policies: ADMINISTRATOR_ACCESS })
  const Condition = {
    ...equals('aws:RequestTag/env', 'dev', 'kms:KeySpec', 'SYMMETRIC_DEFAULT'),
    'ForAllValues:StringEquals': { 'aws:TagKeys': ['env', 'ENV'] },
  }
  const Statement = { Effect: 'Allow', Action: ['kms:CreateKey', 'kms:TagResource'], Resource: '*', Condition }
  const policies = { make: { Version: '2012-10-17', Statement } }
  const maker = await addPrincipal(file, { arn: `arn:aws:iam::${ACCOUNT}:user/maker`, policies })
  const trust = { Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' }
  await addRole(file, { arn: ROLE, trustPolicy: { Version: '2012-10-17', Statement: trust }, tags: { team: 'blue' } })
  await setOrganization(file, ACCOUNT, { organizationId: 'o-abcdefghij' })
  const kms = cleanup.use(await startTestKms({ dir }))
  const connect = (credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) => {
    const client = new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials })
    cleanup.defer(() => client.destroy())
    return client
  }
  const connectFor = (arn: string) => {
    const client = connect(kms.broker)
    client.middlewareStack.add(
      (next) => (args) => {
        Object(args.request).headers[ON_BEHALF_OF_HEADER] = arn
        return next(args)
      },
      { step: 'build' },
    )
    return client
  }
  const clients = {
    admin: connect(kms.user),
    ada: connect(ada),
    bob: connect(bob),
    eve: connect(eve),
    maker: connect(maker),
    session: connect(await sessionOf(file, join(dir, 'secrets'))),
    snsForAda: connectFor(ADA),
    snsForBob: connectFor(BOB),
  }
  const held = cleanup.move()
  return { ...clients, dispose: () => held.disposeAsync() }
}

async function sessionOf(file: string, secretsDir: string) {
  await using principals = await openPrincipals({ file, onReloadFailure: () => undefined })
  const role = principals.findRole(ROLE)
  assert.ok(role)
  const limits = { sessionName: 'monday', tags: {}, transitiveTagKeys: [] }
  const secrets = await readStsSecrets(secretsDir)
  const { session, token } = startSession({ role, limits, durationSeconds: 900, now: Date.now(), secrets })
  return { accessKeyId: session.accessKeyId, secretAccessKey: session.secretAccessKey, sessionToken: token }
}
