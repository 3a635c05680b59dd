/** `sealcast preflight` foretells what the stack does, and what it prints mends what is missing. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DisableKeyCommand, type KMSClient, PutKeyPolicyCommand, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms'
import { PublishCommand, SetTopicAttributesCommand, type SNSClient } from '@aws-sdk/client-sns'
import { addPrincipal } from '#shared/principals'
import { createKey, createTopic, kmsClient, snsClient } from './messaging.ts'
import { runSealcast } from './sealcast-command.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

const OWN = '000000000000'
const OTHER = '111122223333'

interface Statement {
  Sid?: string
  Effect: 'Allow' | 'Deny'
  Action: string | string[]
  Resource?: string
  Principal?: unknown
  Condition?: unknown
}

const allow = (Action: string | string[], rest: Partial<Statement> = {}): Statement => ({
  Effect: 'Allow',
  Action,
  Resource: '*',
  ...rest,
})
const deny = (Action: string | string[], rest: Partial<Statement> = {}): Statement => ({
  ...allow(Action, rest),
  Effect: 'Deny',
})
const KEY = ['kms:GenerateDataKey*', 'kms:Decrypt']
const document = (statements: Statement[]) => ({ Version: '2012-10-17', Statement: statements })
const VIA = (region: string) => ({ StringEquals: { 'kms:ViaService': `sns.${region}.amazonaws.com` } })
const rootOf = (account: string) => ({ AWS: `arn:aws:iam::${account}:root` })

interface SetUp {
  name: string
  account?: string
  identity: Statement[]
  topic?: (o: { topic: string; user: string }) => Statement[]
  key?: (o: { user: string }) => Statement[]
  state?: 'Disabled' | 'PendingDeletion' | 'missing'
  sealed?: false
}

const SET_UPS: readonly SetUp[] = [
  { name: 'nothing at all', identity: [] },
  { name: 'everything', identity: [allow('*')] },
  { name: 'publish alone, sealed', identity: [allow('sns:Publish')] },
  { name: 'publish alone, not sealed', identity: [allow('sns:Publish')], sealed: false },
  { name: 'publish and GenerateDataKey', identity: [allow(['sns:Publish', 'kms:GenerateDataKey'])] },
  { name: 'publish and Decrypt', identity: [allow(['sns:Publish', 'kms:Decrypt'])] },
  { name: 'publish and both', identity: [allow(['sns:Publish', ...KEY])] },
  { name: 'both without publish', identity: [allow(KEY)] },
  { name: 'a Deny of Decrypt', identity: [allow('*'), deny('kms:Decrypt')] },
  { name: 'a Deny of Publish', identity: [allow('*'), deny('sns:Publish')] },
  { name: 'kms through SNS here', identity: [allow('sns:Publish'), allow(KEY, { Condition: VIA('us-east-1') })] },
  { name: 'kms through SNS elsewhere', identity: [allow('sns:Publish'), allow(KEY, { Condition: VIA('eu-west-1') })] },
  { name: 'a disabled key', identity: [allow('*')], state: 'Disabled' },
  { name: 'a key pending deletion', identity: [allow('*')], state: 'PendingDeletion' },
  { name: 'a missing key', identity: [allow('*')], state: 'missing' },
  {
    name: 'a topic policy for the user',
    identity: [allow(KEY)],
    topic: ({ topic, user }) => [allow('sns:Publish', { Principal: { AWS: user }, Resource: topic })],
  },
  {
    name: 'a topic policy that denies',
    identity: [allow('*')],
    topic: ({ topic, user }) => [deny('sns:Publish', { Principal: { AWS: user }, Resource: topic })],
  },
  {
    name: 'a key policy for the user',
    identity: [allow('sns:Publish')],
    key: ({ user }) => [allow('kms:*', { Principal: rootOf(OWN) }), allow(KEY, { Principal: { AWS: user } })],
  },
  {
    name: 'a key policy that denies',
    identity: [allow('*')],
    key: ({ user }) => [allow('kms:*', { Principal: rootOf(OWN) }), deny('kms:Decrypt', { Principal: { AWS: user } })],
  },
  { name: 'another account', account: OTHER, identity: [allow('*')] },
  {
    name: 'another account with a topic policy',
    account: OTHER,
    identity: [allow('*')],
    topic: ({ topic, user }) => [allow('sns:Publish', { Principal: { AWS: user }, Resource: topic })],
  },
  {
    name: 'another account with both policies',
    account: OTHER,
    identity: [allow('*')],
    topic: ({ topic, user }) => [allow('sns:Publish', { Principal: { AWS: user }, Resource: topic })],
    key: ({ user }) => [allow('kms:*', { Principal: rootOf(OWN) }), allow(KEY, { Principal: { AWS: user } })],
  },
]

suite('sealcast preflight', () => {
  let stack: Stack
  let admin: SNSClient
  let kms: KMSClient

  before(async () => {
    stack = await startStack()
    admin = snsClient(stack)
    kms = kmsClient(stack)
  })

  after(async () => {
    for (const client of [admin, kms]) client.destroy()
    await stack[Symbol.asyncDispose]()
  })

  for (const [n, setUp] of SET_UPS.entries()) {
    test(`foretells what becomes of a publish with ${setUp.name}`, async () => {
      const { topic, user, client } = await arrange(setUp, n)
      const { code, output, errors } = await preflight(topic, user)
      const report = JSON.parse(output || '{}')
      const steps: { step: string; verdict: string; code?: string }[] = report.publishers?.[0]?.steps ?? []
      const asked = steps.filter(({ step }) => step !== 'deliver')
      const first = asked.find(({ verdict }) => verdict !== 'allowed')
      const outcome = await publishAs(client, topic)
      assert.equal(first === undefined, outcome === 'ok', `${outcome}; ${output} ${errors}`)
      if (first !== undefined) assert.ok(outcome.startsWith(String(first.code)), `${outcome}; ${output}`)
      assert.equal(code === 1, first !== undefined || steps.some(({ verdict }) => verdict === 'refused'), output)
      client.destroy()
    })
  }

  test('prints what mends a refused publisher, with the command that puts it in place', async (t) => {
    const { topic, user, client } = await arrange({ name: 'publish alone', identity: [allow('sns:Publish')] }, 99)
    const before = await publishAs(client, topic)
    assert.match(before, /^KMSAccessDenied/)
    const told = await runSealcast(stack, 'preflight', '--topic', topic, '--publisher', user)
    assert.equal(told.code, 1, told.output + told.errors)
    const report = JSON.parse((await preflight(topic, user)).output)
    const missing = report.publishers[0].steps.flatMap((step: { missing: { command: string }[] }) => step.missing)
    const command: string = missing[0].command
    assert.ok(told.output.includes(command), told.output)
    const pasted = await runInShell(command)
    // A gateway remembers a refusal for some seconds.
    await until('the publish is accepted', async () => (await publishAs(client, topic)) === 'ok')
    const again = await runSealcast(stack, 'preflight', '--topic', topic, '--publisher', user)
    assert.equal(again.code, 0, again.output)
    t.diagnostic(`publish: ${before}\n${told.output}$ …\n${pasted}publish: ok\n${again.output}`)
    client.destroy()
  })

  test('says that it cannot find out about what is not there', async () => {
    const nothing = await runSealcast(stack, 'preflight', '--topic', `arn:aws:sns:us-east-1:${OWN}:nothing`)
    assert.equal(nothing.code, 2, nothing.output)
    const topic = await createTopic(admin)
    const nobody = await preflight(topic, `arn:aws:iam::${OWN}:user/nobody`)
    assert.equal(nobody.code, 2, nobody.output)
    assert.equal(nobody.output, '')
    assert.match(nobody.errors, /^[^\n]*the principals file has no such publisher[^\n]*\n$/)
  })

  async function arrange({ account = OWN, identity, topic: topicOf, key: keyOf, state, sealed }: SetUp, n: number) {
    const user = `arn:aws:iam::${account}:user/p${n}`
    const policies = identity.length === 0 ? {} : { given: document(identity) }
    const credentials = await addPrincipal(join(stack.home, 'principals.json'), { arn: user, policies })
    const keyArn = await createKey(kms)
    const named = state === 'missing' ? keyArn.replace(/[^/]+$/, '00000000-0000-4000-8000-000000000000') : keyArn
    const topic = await createTopic(admin, sealed === false ? {} : { KmsMasterKeyId: named })
    const set = (name: string, value: string) =>
      admin.send(new SetTopicAttributesCommand({ TopicArn: topic, AttributeName: name, AttributeValue: value }))
    if (topicOf !== undefined) await set('Policy', JSON.stringify(document(topicOf({ topic, user }))))
    if (keyOf !== undefined) {
      await kms.send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy: JSON.stringify(document(keyOf({ user }))) }))
    }
    if (state === 'Disabled') await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
    if (state === 'PendingDeletion')
      await kms.send(new ScheduleKeyDeletionCommand({ KeyId: keyArn, PendingWindowInDays: 7 }))
    await sleep(1_100)
    return { topic, user, client: snsClient(stack, credentials) }
  }

  function preflight(topic: string, user: string) {
    return runSealcast(stack, 'preflight', '--topic', topic, '--publisher', user, '--json')
  }

  /** As a person would, from the project's folder, `env` sourced. */
  function runInShell(command: string): Promise<string> {
    const env = { ...process.env, ...stack.env, SEALCAST_HOME: stack.home }
    const cwd = dirname(dirname(import.meta.dirname))
    return new Promise((resolve, reject) => {
      execFile('sh', ['-c', command], { env, cwd }, (error, output, errors) => {
        if (error === null) resolve(output)
        else reject(new Error(`${errors}${output}`))
      })
    })
  }
})

async function publishAs(client: SNSClient, topic: string): Promise<string> {
  try {
    await client.send(new PublishCommand({ TopicArn: topic, Message: 'looked ahead' }))
    return 'ok'
  } catch (error) {
    const { name, Code: code, message } = Object(error)
    return `${String(code ?? name).replace(/Exception$/, '')}: ${message}`
  }
}
