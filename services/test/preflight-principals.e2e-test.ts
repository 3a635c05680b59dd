/** `sealcast preflight` foretells what becomes of publishes by roles, services and grants, and with keys of any kind. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import {
  CreateAliasCommand,
  CreateGrantCommand,
  DisableKeyCommand,
  type KMSClient,
  PutKeyPolicyCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { SetTopicAttributesCommand, type SNSClient } from '@aws-sdk/client-sns'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { ADMINISTRATOR_ACCESS, addPrincipal, addRole, addService } from '#shared/principals'
import { createKey, createTopic, kmsClient, publish, snsClient } from './messaging.ts'
import { OTHER, OWN, SERVICE, SET_UPS, type SetUp, type Source } from './preflight-set-ups.ts'
import { document } from './roles.ts'
import { runSealcast } from './sealcast-command.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

type Credentials = Stack['clientConfig']['credentials']

suite('sealcast preflight', { concurrency: 3 }, () => {
  let stack: Stack
  let sns: SNSClient
  let sts: STSClient
  let kms: Readonly<Record<typeof OWN | typeof OTHER, KMSClient>>
  const credentials: (Credentials | undefined)[] = []

  before(async () => {
    stack = await startStack()
    sns = snsClient(stack)
    sts = new STSClient(stack.clientConfig)
    for (const n of SET_UPS.keys()) credentials[n] = await addPublisher(n)
    // The last one, so that who knows it knows all of them.
    const arn = `arn:aws:iam::${OTHER}:user/admin`
    const admin = await addPrincipal(fileOf(stack), { arn, policies: ADMINISTRATOR_ACCESS })
    kms = { [OWN]: kmsClient(stack), [OTHER]: kmsClient(stack, admin) }
    const there = snsClient(stack, admin)
    await until('the gateway knows them', () => createTopic(there).catch(() => undefined))
    await until('the KMS knows them', () => createKey(kms[OTHER]).catch(() => undefined))
    there.destroy()
  })

  after(async () => {
    for (const client of [sns, sts, ...Object.values(kms)]) client.destroy()
    await stack[Symbol.asyncDispose]()
  })

  for (const [n, setUp] of SET_UPS.entries()) {
    test(`foretells what becomes of a publish with ${setUp.name}: ${setUp.outcome}`, async () => {
      const { topicArn, keyArn } = await arrange(setUp, n)
      const { code, output, errors } = await preflight(setUp, topicArn, n)
      const report = JSON.parse(output || '{}')
      const steps: { step: string; verdict: string; code?: string }[] = report.publishers?.[0]?.steps ?? []
      const refused = steps.filter(({ step }) => step !== 'deliver').find(({ verdict }) => verdict !== 'allowed')
      assert.equal(steps.length, 4, output + errors)
      assert.equal(refused === undefined ? 'ok' : refused.code, setUp.outcome, output)
      assert.equal(code, steps.some(({ verdict }) => verdict === 'refused') ? 1 : 0, output)
      assert.equal(report.keyArn, setUp.named === 'alias of nothing' ? undefined : keyArn)
      assert.equal(await publishAs(await clientOf(setUp, n), topicArn), setUp.outcome)
    })
  }

  async function addPublisher(n: number): Promise<Credentials | undefined> {
    const { publisher, identity = [] } = SET_UPS[n] ?? assert.fail()
    const file = fileOf(stack)
    const policies = { given: document(identity) }
    if (publisher === 'user') return await addPrincipal(file, { arn: arnOf('user', n), policies })
    if (publisher === 'service') {
      const known = credentials[SET_UPS.findIndex((one) => one.publisher === 'service')]
      return known ?? (await addService(file, { service: SERVICE }))
    }
    const trusted = { Effect: 'Allow', Principal: { AWS: OWN }, Action: 'sts:AssumeRole' }
    await addRole(file, { arn: arnOf('role', n), trustPolicy: document([trusted]), policies })
    return undefined
  }

  async function arrange(setUp: SetUp, n: number): Promise<{ topicArn: string; keyArn: string }> {
    const { keyOf = OWN, named, keyState } = setUp
    const owner = kms[keyOf]
    const KeyId = await createKey(owner)
    const alias = `alias/set-up-${n}`
    if (named === 'alias') await owner.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: KeyId }))
    const topicArn = await createTopic(sns, { KmsMasterKeyId: named === undefined ? KeyId : alias })
    await putPolicies(setUp, { topicArn, KeyId, publisherArn: arnOf(setUp.publisher, n) })
    if (keyState === 'Disabled') await owner.send(new DisableKeyCommand({ KeyId }))
    if (keyState === 'PendingDeletion') {
      await owner.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
    }
    return { topicArn, keyArn: KeyId }
  }

  async function putPolicies(
    { topic, key, grant, keyOf = OWN }: SetUp,
    { KeyId, ...names }: { topicArn: string; publisherArn: string; KeyId: string },
  ): Promise<void> {
    if (topic !== undefined) {
      const Policy = { AttributeName: 'Policy', AttributeValue: JSON.stringify(document(topic(names))) }
      await sns.send(new SetTopicAttributesCommand({ TopicArn: names.topicArn, ...Policy }))
    }
    if (key !== undefined) {
      const Principal = { AWS: `arn:aws:iam::${keyOf}:root` }
      const delegated = { Effect: 'Allow', Principal, Action: 'kms:*', Resource: '*' }
      const Policy = JSON.stringify(document([delegated, ...key(names)]))
      await kms[keyOf].send(new PutKeyPolicyCommand({ KeyId, Policy }))
    }
    if (grant !== undefined) {
      const granted = `${names.topicArn}${grant.ofAnotherTopic ? '-2' : ''}`
      const Constraints = { EncryptionContextEquals: { 'aws:sns:topicArn': granted } }
      const GranteePrincipal = names.publisherArn
      const Operations = [...grant.operations]
      await kms[keyOf].send(new CreateGrantCommand({ KeyId, GranteePrincipal, Operations, Constraints }))
    }
  }

  function preflight({ publisher, source }: SetUp, topicArn: string, n: number) {
    const acting = source && ['--source-arn', source.arn, '--source-account', source.account]
    const words = ['--topic', topicArn, '--publisher', arnOf(publisher, n), ...(acting ?? []), '--json']
    return runSealcast(stack, 'preflight', ...words)
  }

  async function clientOf({ publisher, source }: SetUp, n: number): Promise<SNSClient> {
    if (publisher !== 'role') {
      const client = snsClient(stack, credentials[n])
      if (source !== undefined) nameSource(client, source)
      return client
    }
    const session = { RoleArn: arnOf('role', n), RoleSessionName: 'monday' }
    const { Credentials: given } = await sts.send(new AssumeRoleCommand(session))
    const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' } = given ?? {}
    const temporary = { accessKeyId, secretAccessKey, sessionToken: given?.SessionToken ?? '' }
    return snsClient(stack, temporary)
  }
})

function fileOf({ home }: Stack): string {
  return join(home, 'principals.json')
}

function arnOf(kind: SetUp['publisher'], n: number): string {
  return kind === 'service' ? SERVICE : `arn:aws:iam::${OWN}:${kind}/p${n}`
}

/** Ends the client. @returns `ok`, or the error's code */
async function publishAs(client: SNSClient, topicArn: string): Promise<string> {
  try {
    await publish(client, topicArn, 'looked ahead')
    return 'ok'
  } catch (error) {
    const { name, Code: code } = Object(error)
    return String(code ?? name).replace(/Exception$/, '')
  } finally {
    client.destroy()
  }
}

/** As AWS's own services do: the headers are there before the request is signed. */
function nameSource(client: SNSClient, { arn, account }: Source): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: object }
      Object.assign(headers, { 'x-amz-source-arn': arn, 'x-amz-source-account': account })
      return next(args)
    },
    { step: 'build', name: 'source' },
  )
}
