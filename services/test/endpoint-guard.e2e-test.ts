/** Where endpoints may be: what Subscribe refuses by itself, and what deliveries reach under each setting. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { createTopic, publish, snsClient, subscribeAndConfirm, trustStack } from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'

const METADATA = [
  '169.254.169.254',
  '2852039166',
  '0xA9FEA9FE',
  '0251.0376.0251.0376',
  '0xa9.254.43518',
  '169.254.169.254.',
  '%31%36%39.254.169.254',
  '①⑥⑨.②⑤④.①⑥⑨.②⑤④',
  '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]',
  '[::169.254.169.254]',
  '[64:ff9b::169.254.169.254]',
  '[2002:a9fe:a9fe::]',
  '[fd00:ec2::254]',
  '100.100.100.200',
  '168.63.129.16',
]
const ALWAYS_REFUSED = [
  ...METADATA,
  '0.0.0.0',
  '0',
  '[::]',
  '[fe80::1]',
  '224.0.0.1',
  '255.255.255.255',
  'my_host.test',
]

suite('the endpoint guard', () => {
  test('refuses what no setting can allow, in every spelling, while loopback and private are allowed', async () => {
    await using stage = await setup()
    for (const host of ALWAYS_REFUSED) {
      for (const endpoint of [`http://${host}/`, `http://${host}:8080/latest/meta-data/?a=b`]) {
        await assert.rejects(stage.subscribe(endpoint), UNREACHABLE, endpoint)
      }
    }
    await using subscriber = await subscribeAndConfirm(stage.stack, stage)
    await publish(stage.sns, stage.topicArn, 'hello')
    await subscriber.receive('Notification', 1)
  })

  test('refuses loopback and private addresses when nothing but public ones are allowed', async () => {
    await using stage = await setup('public')
    for (const host of [...ALWAYS_REFUSED, '127.0.0.1', '2130706433', '[::1]', 'localhost', '10.0.0.1', '[fd12::1]']) {
      await assert.rejects(stage.subscribe(`http://${host}/`), UNREACHABLE, host)
    }
    // Nobody resolves it before a worker connects; RFC 6761 has it lead nowhere.
    await stage.subscribe('http://hooks.invalid/')
  })

  test('delivers within a network that is named, and refuses its neighbours', async () => {
    await using stage = await setup('127.0.0.1/32,10.1.0.0/16')
    // Its host is a name: the worker leaves out the addresses it leads to beside 127.0.0.1.
    await using subscriber = await subscribeAndConfirm(stage.stack, stage)
    await publish(stage.sns, stage.topicArn, 'hello')
    await subscriber.receive('Notification', 1)
    for (const host of [...METADATA, '127.0.0.2', '[::1]', '10.2.0.1', '192.168.0.1']) {
      await assert.rejects(stage.subscribe(`http://${host}/`), UNREACHABLE, host)
    }
  })

  test('stops the start when a setting would allow what is always refused', async () => {
    await assert.rejects(startStack({ env: { SEALCAST_ENDPOINT_NETWORKS: '169.254.0.0/16' } }), {
      message: /SEALCAST_ENDPOINT_NETWORKS cannot allow 169\.254\.0\.0\/16/,
    })
  })
})

const UNREACHABLE = { name: 'InvalidParameterException', message: 'Invalid parameter: Unreachable Endpoint' }

async function setup(networks?: string) {
  const stack: Stack = await startStack(networks === undefined ? {} : { env: { SEALCAST_ENDPOINT_NETWORKS: networks } })
  trustStack(stack)
  const sns: SNSClient = snsClient(stack)
  const topicArn = await createTopic(sns)
  return {
    stack,
    sns,
    topicArn,
    subscribe: (endpoint: string) =>
      sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'http', Endpoint: endpoint })),
    async [Symbol.asyncDispose]() {
      sns.destroy()
      await stack[Symbol.asyncDispose]()
    },
  }
}
