/** A KMS key is rotated while messages rest: they are delivered all the same, by processes that knew nothing before. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { DescribeKeyCommand, type KMSClient, RotateKeyOnDemandCommand } from '@aws-sdk/client-kms'
import type { SNSClient } from '@aws-sdk/client-sns'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { messagesOf, type RedisAttacker, startRedisAttacker } from './redis-attacker.ts'
import { type Stack, startStack } from './start-stack.ts'
import { untilStored } from './stored-messages.ts'

/** Where the local KMS's ciphertext names its key material, in bytes. */
const MATERIAL_ID = [20, 52] as const

suite('rotation of a KMS key', () => {
  let stack: Stack
  let sns: SNSClient
  let kms: KMSClient
  let reader: RedisAttacker

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    sns = snsClient(stack)
    kms = kmsClient(stack)
    reader = await startRedisAttacker(stack)
  })

  after(async () => {
    // Stopped by a test that failed it could not end.
    stack.signal('delivery', 'SIGCONT')
    for (const client of [sns, kms]) client.destroy()
    await reader[Symbol.asyncDispose]()
    await stack[Symbol.asyncDispose]()
  })

  test('leaves messages of every generation deliverable, also after KMS and worker were killed', async () => {
    const keyArn = await createKey(kms)
    // A data key of its own for each, without waiting for one to grow old.
    const topicArns: string[] = []
    for (let i = 0; i < 4; i++) topicArns.push(await createTopic(sns, { KmsMasterKeyId: keyArn }))
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArns })
    stack.signal('delivery', 'SIGSTOP')
    const materials: string[] = []
    for (const [generation, topicArn] of topicArns.entries()) {
      if (generation > 0) await kms.send(new RotateKeyOnDemandCommand({ KeyId: keyArn }))
      const id = await publish(sns, topicArn, `generation ${generation}`)
      const { fields } = await untilStored(reader.redis, id, 'stream')
      const material = fields
        .get('edk')
        ?.subarray(...MATERIAL_ID)
        .toString('hex')
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: keyArn }))
      assert.equal(material, KeyMetadata?.CurrentKeyMaterialId)
      materials.push(String(material))
    }
    assert.equal(new Set(materials).size, topicArns.length)
    await stack.killAndWaitForRestart('kms')
    await stack.killAndWaitForRestart('delivery')
    const expected = topicArns.map((_, generation) => `generation ${generation}`)
    await subscriber.until(() => expected.every((message) => messagesOf(subscriber).includes(message)))
    await untilFinished(stack)
  })
})
