/** Principals: their own credentials, their own data keys, in force without a restart. */

import assert from 'node:assert/strict'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { ListKeysCommand } from '@aws-sdk/client-kms'
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
import { runSealcast } from './sealcast-command.ts'
import { type Stack, startStack } from './start-stack.ts'

suite('sealcast principals', () => {
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

  test('has keys refused by gateway and KMS within a second: a deactivated one, and all of a removed user', async () => {
    const topicArn = await createTopic(sns)
    const first = await addUser('leaver')
    await publishWhenKnown(snsClient(stack, first), topicArn)
    const second = await rotate('leaver')
    await publishWhenKnown(snsClient(stack, second), topicArn)
    await publishWhenKnown(snsClient(stack, first), topicArn)
    const refused = async (credentials: Credentials) => {
      const client = snsClient(stack, credentials)
      const kms = kmsClient(stack, credentials)
      await within(1_000, async () => {
        await assert.rejects(publish(client, topicArn, 'late'), { name: 'InvalidClientTokenId' })
        await assert.rejects(kms.send(new ListKeysCommand({})), { name: 'UnrecognizedClientException' })
      })
      client.destroy()
      kms.destroy()
    }
    await sealcast('rotate', '--user', 'leaver', '--deactivate', first.accessKeyId)
    await refused(first)
    await publish(snsClient(stack, second), topicArn, 'still')
    await sealcast('remove', '--user', 'leaver')
    await refused(second)
  })

  test('keeps the last good file in force in gateway and KMS when a bad one comes, and says so', async () => {
    const file = join(stack.home, 'principals.json')
    const good = await readFile(file, 'utf8')
    const stale = async () => {
      const urls = (stack.env.SEALCAST_METRICS_URLS ?? '').split(',')
      const texts = await Promise.all(urls.map(async (url) => (await fetch(url)).text()))
      return texts.flatMap((text) => /^sealcast_principals_stale (\d)$/m.exec(text)?.[1] ?? [])
    }
    assert.deepEqual(await stale(), ['0', '0'])
    const bad = JSON.parse(good)
    bad.principals[0].policies = { own: { Version: '2012-10-17', Statement: [{ Effect: 'Alow' }] } }
    await replaceFile(file, JSON.stringify(bad))
    await within(2_000, async () => assert.deepEqual(await stale(), ['1', '1']))
    await createTopic(sns)
    await replaceFile(file, good)
    await within(2_000, async () => assert.deepEqual(await stale(), ['0', '0']))
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

  async function sealcast(...words: string[]): Promise<string> {
    const { code, output, errors } = await runSealcast(stack, 'principals', ...words)
    assert.equal(code, 0, errors)
    return output
  }

  async function addUser(name: string): Promise<Credentials> {
    return JSON.parse(await sealcast('add', '--user', name, '--administrator', '--json'))
  }

  async function rotate(name: string): Promise<Credentials> {
    return JSON.parse(await sealcast('rotate', '--user', name, '--json'))
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

type Credentials = { accessKeyId: string; secretAccessKey: string }

/** Asks until it holds; the last answer counts. */
async function within(ms: number, assertion: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + ms
  for (;;) {
    try {
      return await assertion()
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
  }
}

async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await rename(`${file}.new`, file)
}
