/** What `sealcast preflight` prints to mend topic and key policies, and what it tells of messages that would not arrive. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { GetKeyPolicyCommand, type KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import {
  GetTopicAttributesCommand,
  ListTopicsCommand,
  SetTopicAttributesCommand,
  type SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns'
import { ADMINISTRATOR_ACCESS, addPrincipal } from '#shared/principals'
import { failure } from '#shared/test-kms'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readAuthority,
  readMetrics,
  snsClient,
  subscribeAndConfirm,
  trustStack,
} from './messaging.ts'
import { document } from './roles.ts'
import { runSealcast } from './sealcast-command.ts'
import { type Stack, startStack } from './start-stack.ts'
import { startTestSubscriber } from './test-subscriber.ts'
import { until } from './until.ts'

const OWN = '000000000000'
const OTHER = '111122223333'
const DELEGATES = {
  Sid: 'Delegates',
  Effect: 'Allow',
  Principal: { AWS: `arn:aws:iam::${OWN}:root` },
  Action: 'kms:*',
  Resource: '*',
}

const TOPIC_COMMAND =
  /^aws sns set-topic-attributes --region (\S+) --topic-arn (\S+) --attribute-name Policy --attribute-value file:\/\/\/dev\/stdin <<'POLICY'\n([\s\S]*?)\nPOLICY$/m
const KEY_COMMAND =
  /^aws kms put-key-policy --region (\S+) --key-id (\S+) --policy-name default --policy file:\/\/\/dev\/stdin <<'POLICY'\n([\s\S]*?)\nPOLICY$/m

suite('sealcast preflight', () => {
  let stack: Stack
  let sns: SNSClient
  let kms: KMSClient
  let stranger: { arn: string; sns: SNSClient }
  let own: typeof stranger

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    sns = snsClient(stack)
    kms = kmsClient(stack)
    stranger = await addPublisher(OTHER)
    own = await addPublisher(OWN)
  })

  after(async () => {
    for (const client of [sns, kms, stranger.sns, own.sns]) client.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('prints topic and key policy with what is missing, beside the statements that were there', async () => {
    const { topicArn, keyArn } = await sealedTopic()
    const kept = { Sid: 'Kept', Effect: 'Allow', Principal: { AWS: own.arn } }
    const keptOfTopic = { ...kept, Action: 'SNS:GetTopicAttributes', Resource: topicArn }
    const keptOfKey = { ...kept, Action: 'kms:DescribeKey', Resource: '*' }
    await putTopicPolicy(topicArn, JSON.stringify(document([keptOfTopic])))
    await putKeyPolicy(keyArn, JSON.stringify(document([DELEGATES, keptOfKey])))
    assert.equal((await failure(publish(stranger.sns, topicArn, 'no'))).name, 'AuthorizationErrorException')
    const told = await preflight('--topic', topicArn, '--publisher', stranger.arn)
    assert.equal(told.code, 1, told.output + told.errors)

    const ofTopic = takeOut(TOPIC_COMMAND, told.output)
    assert.deepEqual([ofTopic.region, ofTopic.of], ['us-east-1', topicArn])
    await putTopicPolicy(ofTopic.of, ofTopic.policy)
    // The key's is missing still.
    assert.equal((await failure(publish(stranger.sns, topicArn, 'no'))).name, 'KMSAccessDeniedException')
    const ofKey = takeOut(KEY_COMMAND, told.output)
    assert.deepEqual([ofKey.region, ofKey.of], ['us-east-1', keyArn])
    await putKeyPolicy(ofKey.of, ofKey.policy)

    const again = await preflight('--topic', topicArn, '--publisher', stranger.arn)
    assert.equal(again.code, 0, again.output + again.errors)
    assert.doesNotMatch(again.output, /POLICY|Missing/)
    // A gateway remembers a refusal for some seconds.
    await until('the publish is accepted', () => publish(stranger.sns, topicArn, 'yes').catch(() => undefined))
    const topicStatements = await readTopicStatements(topicArn)
    assert.deepEqual(topicStatements.slice(0, -1), [keptOfTopic])
    const keyStatements = await readKeyStatements(keyArn)
    assert.deepEqual(keyStatements.slice(0, -1), [DELEGATES, keptOfKey])
    for (const { Effect, Principal } of [topicStatements, keyStatements].map((all) => all.at(-1) ?? {})) {
      assert.deepEqual([Effect, Principal], ['Allow', { AWS: stranger.arn }])
    }
  })

  test("adds to SNS's default policy, whose statement stays", async () => {
    const topicArn = await createTopic(sns)
    const former = await readTopicStatements(topicArn)
    assert.equal(former.length, 1)
    const told = await preflight('--topic', topicArn, '--publisher', stranger.arn)
    await putTopicPolicy(topicArn, takeOut(TOPIC_COMMAND, told.output).policy)
    await publish(stranger.sns, topicArn, 'yes')
    assert.deepEqual((await readTopicStatements(topicArn)).slice(0, -1), former)
  })

  test('tells that what was accepted would be held, as it is, when the key policy denies the publisher', async () => {
    const { topicArn, keyArn } = await sealedTopic()
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const before = await verdictsOf(topicArn)
    assert.deepEqual([before.deliver.verdict, before.code], ['allowed', 0], before.output)
    stack.signal('delivery', 'SIGSTOP')
    await publish(own.sns, topicArn, 'waits')
    const denies = {
      Sid: 'No',
      Effect: 'Deny',
      Principal: { AWS: own.arn },
      Action: 'kms:Decrypt',
      Resource: '*',
    }
    await putKeyPolicy(keyArn, JSON.stringify(document([DELEGATES, denies])))
    stack.signal('delivery', 'SIGCONT')
    const { deliver, code, output } = await verdictsOf(topicArn)
    assert.deepEqual([deliver.verdict, deliver.by?.sid, deliver.missing.length, code], ['refused', 'No', 0, 1], output)
    const held = `sealcast_held_messages{key="${keyArn}"} 1`
    await until('it is held', async () => (await readMetrics(stack)).some((page) => page.includes(held)))
    assert.ok(!subscriber.received.some(({ json }) => json.Type === 'Notification'))
  })

  test('tells of a subscription that waits for its confirmation, which gets nothing until then', async () => {
    const topicArn = await createTopic(sns)
    await using subscriber = await startTestSubscriber({ authority: readAuthority(stack) })
    const endpoint = { Protocol: 'https', Endpoint: subscriber.url, ReturnSubscriptionArn: true }
    const { SubscriptionArn: arn = '' } = await sns.send(new SubscribeCommand({ TopicArn: topicArn, ...endpoint }))
    const [confirmation] = await subscriber.receive('SubscriptionConfirmation', 1)
    const pending = await preflight('--topic', topicArn, '--publisher', own.arn, '--subscription', arn)
    assert.equal(pending.code, 1, pending.output + pending.errors)
    assert.match(pending.output, /^ {2}deliver +refused +it waits for its confirmation/m)
    await publish(own.sns, topicArn, 'too early')
    const visited = await fetch(confirmation?.json.SubscribeURL ?? '')
    assert.equal(visited.status, 200)
    const confirmed = await preflight('--topic', topicArn, '--publisher', own.arn, '--subscription', arn)
    assert.equal(confirmed.code, 0, confirmed.output + confirmed.errors)
    await publish(own.sns, topicArn, 'in time')
    const received = await subscriber.receive('Notification', 1)
    assert.deepEqual(
      received.map(({ json }) => json.Message),
      ['in time'],
    )
  })

  test('cannot tell what a policy makes depend on an address, until it is given one', async () => {
    const topicArn = await createTopic(sns)
    const Condition = { NotIpAddress: { 'aws:SourceIp': '192.0.2.0/24' } }
    const denies = { Effect: 'Deny', Principal: '*', Action: 'sns:Publish', Resource: topicArn, Condition }
    await putTopicPolicy(topicArn, JSON.stringify(document([denies])))
    const words = ['--topic', topicArn, '--publisher', own.arn]
    const codes = [[], ['--source-ip', '192.0.2.7'], ['--source-ip', '127.0.0.1']].map(async (more) => {
      return (await preflight(...words, ...more)).code
    })
    assert.deepEqual(await Promise.all(codes), [2, 0, 1])
    assert.equal((await failure(publish(own.sns, topicArn, 'no'))).name, 'AuthorizationErrorException')
  })

  async function sealedTopic() {
    const keyArn = await createKey(kms)
    return { keyArn, topicArn: await createTopic(sns, { KmsMasterKeyId: keyArn }) }
  }

  async function addPublisher(account: string) {
    const arn = `arn:aws:iam::${account}:user/publisher`
    const credentials = await addPrincipal(join(stack.home, 'principals.json'), { arn, policies: ADMINISTRATOR_ACCESS })
    const client = snsClient(stack, credentials)
    await until('the gateway knows it', () => client.send(new ListTopicsCommand({})).catch(() => undefined))
    return { arn, sns: client }
  }

  const preflight = (...words: string[]) => runSealcast(stack, 'preflight', ...words)

  async function verdictsOf(topicArn: string) {
    const { code, output } = await preflight('--topic', topicArn, '--publisher', own.arn, '--json')
    const { publishers } = JSON.parse(output)
    return { code, output, deliver: publishers[0].steps.find(({ step }: { step: string }) => step === 'deliver') }
  }

  async function putTopicPolicy(TopicArn: string, AttributeValue: string): Promise<void> {
    await sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: 'Policy', AttributeValue }))
  }

  async function putKeyPolicy(KeyId: string, Policy: string): Promise<void> {
    await kms.send(new PutKeyPolicyCommand({ KeyId, PolicyName: 'default', Policy }))
  }

  async function readTopicStatements(TopicArn: string): Promise<Record<string, unknown>[]> {
    const { Attributes: attributes } = await sns.send(new GetTopicAttributesCommand({ TopicArn }))
    return JSON.parse(attributes?.Policy ?? '{}').Statement
  }

  async function readKeyStatements(KeyId: string): Promise<Record<string, unknown>[]> {
    const { Policy: policy } = await kms.send(new GetKeyPolicyCommand({ KeyId }))
    return JSON.parse(policy ?? '{}').Statement
  }
})

function takeOut(command: RegExp, output: string): { region: string; of: string; policy: string } {
  const [, region = '', of = '', policy = ''] = command.exec(output) ?? assert.fail(output)
  return { region, of, policy }
}
