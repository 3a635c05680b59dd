/** Principals: their own credentials, their own data keys, in force without a restart. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import type { SNSClient } from '@aws-sdk/client-sns'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  servedByKms,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'

suite('sealcast principals add', () => {
  let stack: Stack
  let sns: SNSClient

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    sns = snsClient(stack)
  })

  after(async () => {
    sns.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('makes a user whose requests are accepted within a second', async () => {
    const credentials = await addUser('billing')
    const sts = new STSClient({ ...stack.clientConfig, credentials, maxAttempts: 1 })
    const deadline = performance.now() + 1000
    for (;;) {
      try {
        const identity = await sts.send(new GetCallerIdentityCommand({}))
        assert.equal(identity.Arn, 'arn:aws:iam::000000000000:user/billing')
        assert.equal(identity.Account, '000000000000')
        assert.match(identity.UserId ?? '', /^AIDA/)
        break
      } catch (error) {
        if (performance.now() > deadline) throw error
      }
    }
    sts.destroy()
  })

  test('gives each publisher of a topic a data key of its own: four KMS calls for two', async () => {
    const kms = kmsClient(stack)
    const topicArn = await createTopic(sns, { KmsMasterKeyId: await createKey(kms) })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const other = snsClient(stack, await addUser('shipping'))
    const servedBefore = await servedByKms(stack)
    await publishWhenKnown(other, topicArn)
    await Promise.all(Array.from({ length: 20 }, (_, n) => publish(n % 2 ? sns : other, topicArn, `message ${n}`)))
    await subscriber.receive('Notification', 21)
    await untilFinished(stack)
    const served = await servedByKms(stack)
    assert.equal((served.GenerateDataKey ?? 0) - (servedBefore.GenerateDataKey ?? 0), 2)
    assert.equal((served.Decrypt ?? 0) - (servedBefore.Decrypt ?? 0), 2)
    other.destroy()
    kms.destroy()
  })

  async function addUser(name: string): Promise<{ accessKeyId: string; secretAccessKey: string }> {
    const main = join(import.meta.dirname, '..', 'cli', 'main.ts')
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [main, 'principals', 'add', '--user', name, '--administrator', '--json'],
      {
        env: { ...process.env, SEALCAST_HOME: stack.home },
      },
    )
    const { accessKeyId, secretAccessKey } = JSON.parse(stdout)
    return { accessKeyId, secretAccessKey }
  }

  async function publishWhenKnown(client: SNSClient, topicArn: string): Promise<void> {
    const deadline = performance.now() + 2000
    for (;;) {
      try {
        await publish(client, topicArn, 'first')
        return
      } catch (error) {
        if (performance.now() > deadline) throw error
      }
    }
  }
})
