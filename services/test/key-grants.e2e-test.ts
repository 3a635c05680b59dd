/** Publishers who have nothing on the key of a sealed topic but a grant, of the topic's account and of another. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { CreateGrantCommand, RevokeGrantCommand } from '@aws-sdk/client-kms'
import { SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns'
import { addPrincipal } from '#shared/principals'
import { failure } from '#shared/test-kms'
import { createKey, createTopic, kmsClient, publish, subscribeAndConfirm, trustStack } from './messaging.ts'
import { startStack } from './start-stack.ts'
import { until } from './until.ts'

suite('a publisher with a grant alone', () => {
  for (const account of ['000000000000', '444455556666']) {
    test(`of account ${account} publishes to the topic that the grant names, until it is revoked`, async () => {
      await using stack = await startStack({ env: { SEALCAST_DATA_KEY_REUSE_SECONDS: '1' } })
      trustStack(stack)
      const kms = kmsClient(stack)
      const own = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sns:*', Resource: '*' }] }
      const arn = `arn:aws:iam::${account}:user/publisher`
      const credentials = await addPrincipal(join(stack.home, 'principals.json'), { arn, policies: { own } })
      const sns = new SNSClient({ ...stack.clientConfig, credentials, maxAttempts: 1 })
      const KeyId = await createKey(kms)
      // Its own topics, under a key of the stack's account.
      const topics: string[] = []
      for (const name of ['granted', 'other']) {
        const topicArn = await until(`topic ${name}`, () => createTopic(sns, {}).catch(() => undefined))
        const key = { TopicArn: topicArn, AttributeName: 'KmsMasterKeyId', AttributeValue: KeyId }
        await sns.send(new SetTopicAttributesCommand(key))
        topics.push(topicArn)
      }
      const [granted = '', other = ''] = topics
      assert.equal((await failure(publish(sns, granted, 'no'))).name, 'KMSAccessDeniedException')
      const { GrantId } = await kms.send(
        new CreateGrantCommand({
          KeyId,
          GranteePrincipal: arn,
          Operations: ['GenerateDataKey', 'Decrypt'],
          Constraints: { EncryptionContextEquals: { 'aws:sns:topicArn': granted } },
        }),
      )
      await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn: granted })
      // A refusal is remembered for 5 s.
      await until('the grant counts', () => publish(sns, granted, 'by grant').catch(() => undefined), 12_000)
      const [received] = await subscriber.receive('Notification', 1)
      assert.equal(received?.json.Message, 'by grant')
      assert.equal((await failure(publish(sns, other, 'no'))).name, 'KMSAccessDeniedException')
      await kms.send(new RevokeGrantCommand({ KeyId, GrantId }))
      await until(
        'the data key has expired',
        async () =>
          (await publish(sns, granted, 'no').catch((error: Error) => error.name)) === 'KMSAccessDeniedException',
        12_000,
      )
      for (const client of [kms, sns]) client.destroy()
    })
  }
})
