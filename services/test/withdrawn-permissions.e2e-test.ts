/** Permissions that are taken back: how soon that counts, and what becomes of messages that were accepted before. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { CreateGrantCommand, type KMSClient, ListKeysCommand, RevokeGrantCommand } from '@aws-sdk/client-kms'
import { SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns'
import { addPrincipal, removePolicy } from '#shared/principals'
import { createKey, createTopic, kmsClient, publish, redisCli, subscribeAndConfirm, trustStack } from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

const SNS = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sns:*', Resource: '*' }] }
const KMS = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'kms:*', Resource: '*' }] }
const GRANTED = ['GenerateDataKey', 'Decrypt'] as const

suite('a permission that is taken back', () => {
  let stack: Stack
  let kms: KMSClient

  before(async () => {
    stack = await startStack({ env: { SEALCAST_DATA_KEY_REUSE_SECONDS: '1', SEALCAST_KEY_PROBE_MS: '3000' } })
    trustStack(stack)
    kms = kmsClient(stack)
  })

  after(async () => {
    kms.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('counts within a second in gateway and KMS, when it is a policy of a user', async () => {
    const user = await addUser('000000000000', { sns: SNS, kms: KMS })
    const own = kmsClient(stack, user.credentials)
    const topicArn = await until('the user is known', () => createTopic(user.sns).catch(() => undefined))
    await own.send(new ListKeysCommand({}))
    for (const [name, refused, use] of [
      ['kms', 'AccessDeniedException', () => own.send(new ListKeysCommand({}))],
      ['sns', 'AuthorizationErrorException', () => publish(user.sns, topicArn, 'late')],
    ] as const) {
      await removePolicy(join(stack.home, 'principals.json'), user.arn, { name })
      await until(
        `${name} is refused`,
        () =>
          use().then(
            () => false,
            (error: Error) => error.name === refused,
          ),
        1_000,
      )
    }
    own.destroy()
  })

  for (const [account, becomes] of [
    ['000000000000', 'delivers what was accepted by it, to whose account the key policy leaves the key'],
    ['444455556666', 'holds what was accepted by it from another account, until there is one again'],
  ] as const) {
    test(`${becomes}, when it is a grant`, async () => {
      const user = await addUser(account, { sns: SNS })
      const KeyId = await createKey(kms)
      const topicArn = await until('the user is known', () => createTopic(user.sns).catch(() => undefined))
      await user.sns.send(
        new SetTopicAttributesCommand({
          TopicArn: topicArn,
          AttributeName: 'KmsMasterKeyId',
          AttributeValue: KeyId,
        }),
      )
      const grant = { KeyId, GranteePrincipal: user.arn, Operations: [...GRANTED] }
      const { GrantId } = await kms.send(new CreateGrantCommand(grant))
      await using subscriber = await subscribeAndConfirm(stack, { sns: user.sns, topicArn })
      stack.signal('delivery', 'SIGSTOP')
      await publish(user.sns, topicArn, 'accepted')
      await kms.send(new RevokeGrantCommand({ KeyId, GrantId }))
      stack.signal('delivery', 'SIGCONT')
      if (account !== '000000000000') {
        await until('it is held', async () =>
          (await redisCli(stack, '--scan', '--pattern', 'sealcast:*:held:*')).trim(),
        )
        assert.ok(!subscriber.received.some(({ json }) => json.Type === 'Notification'))
        await kms.send(new CreateGrantCommand(grant))
      }
      const [received] = await subscriber.receive('Notification', 1, 15_000)
      assert.equal(received?.json.Message, 'accepted')
    })
  }

  let users = 0
  async function addUser(account: string, policies: Record<string, Record<string, unknown>>) {
    const arn = `arn:aws:iam::${account}:user/user-${++users}`
    const credentials = await addPrincipal(join(stack.home, 'principals.json'), { arn, policies })
    return { arn, credentials, sns: new SNSClient({ ...stack.clientConfig, credentials, maxAttempts: 1 }) }
  }
})
