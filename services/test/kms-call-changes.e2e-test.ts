/** What restarts, leases that move and changes of keys add to the KMS calls of steady publishers, by the KMS's own log. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateAliasCommand, type KMSClient, UpdateAliasCommand } from '@aws-sdk/client-kms'
import { SetTopicAttributesCommand } from '@aws-sdk/client-sns'
import {
  type Cast,
  castPublishers,
  countingPublishes,
  NO_REQUESTS,
  PAIRS,
  PUBLISHERS,
  untilBalanced,
} from './cast-publishers.ts'
import { type PairRequests, readKmsLog, readLedger } from './kms-requests.ts'
import { createKey, kmsClient } from './messaging.ts'
import { startService } from './start-service.ts'
import { type Stack, startStack } from './start-stack.ts'

suite('KMS calls after a restart or take-over', () => {
  let stack: Stack
  let cast: Cast
  let publishOneEach: () => Promise<PairRequests>

  before(async () => {
    stack = await startStack({ env: { SEALCAST_LEASE_MS: '2000' } })
    cast = await castPublishers(stack)
    publishOneEach = await countingPublishes(stack, cast, cast.pairs)
    assert.deepEqual(await publishOneEach(), { GenerateDataKey: PAIRS, Decrypt: PAIRS })
  })

  after(async () => {
    await cast[Symbol.asyncDispose]()
    await stack[Symbol.asyncDispose]()
  })

  test('are none while every process has its keys', async () => {
    assert.deepEqual(await publishOneEach(), NO_REQUESTS)
  })

  test('are one Decrypt for each live key when the gateway was killed', async () => {
    await stack.killAndWaitForRestart('gateway')
    assert.deepEqual(await publishOneEach(), { GenerateDataKey: 0, Decrypt: PAIRS })
  })

  test('are one Decrypt for each live key when the worker was killed', async () => {
    await stack.killAndWaitForRestart('delivery')
    assert.deepEqual(await publishOneEach(), { GenerateDataKey: 0, Decrypt: PAIRS })
  })

  test('are at most one Decrypt for each live key that moves to a new worker, and none when it moves back', async () => {
    for (const end of ['SIGTERM', 'SIGKILL'] as const) {
      const worker = await startService(stack, 'delivery', { SEALCAST_LEASE_MS: '2000' })
      await untilBalanced(stack, 1, 8)
      const { GenerateDataKey, Decrypt } = await publishOneEach()
      assert.equal(GenerateDataKey, 0)
      assert.ok(Decrypt <= PAIRS, `${Decrypt}`)
      assert.deepEqual(await publishOneEach(), NO_REQUESTS, 'while it works')
      worker.signal(end)
      await untilBalanced(stack, 1, 16)
      await worker[Symbol.asyncDispose]()
      assert.deepEqual(await publishOneEach(), NO_REQUESTS, end)
    }
  })

  test('are at most two Decrypts for each live key after a rolling restart of gateway and worker', async () => {
    process.kill(stack.supervisorPid, 'SIGUSR2')
    const deadline = performance.now() + 60_000
    while ((stack.output().match(/^\S+ +replaced/gm) ?? []).length < 2) {
      assert.ok(performance.now() < deadline, 'not replaced in time')
      await sleep(50)
    }
    assert.deepEqual(await publishOneEach(), { GenerateDataKey: 0, Decrypt: 2 * PAIRS })
  })

  test('are in the ledger as in the log', async () => {
    assert.deepEqual(await readLedger(stack), await readKmsLog(stack))
  })
})

suite('KMS calls after a change of the key', () => {
  const REUSE_SECONDS = 10
  let stack: Stack
  let cast: Cast
  let kms: KMSClient
  let publishOneEach: () => Promise<PairRequests>
  const [publishers] = PUBLISHERS
  const oneKeyEach = { GenerateDataKey: publishers, Decrypt: publishers }

  before(async () => {
    stack = await startStack({ env: { SEALCAST_DATA_KEY_REUSE_SECONDS: String(REUSE_SECONDS) } })
    cast = await castPublishers(stack)
    kms = kmsClient(stack)
    publishOneEach = await countingPublishes(stack, cast, cast.pairs.slice(0, publishers))
    assert.deepEqual(await publishOneEach(), oneKeyEach)
  })

  after(async () => {
    kms.destroy()
    await cast[Symbol.asyncDispose]()
    await stack[Symbol.asyncDispose]()
  })

  test('are two more for each publisher of a topic that got another key', async () => {
    await giveKey(await createKey(kms))
    assert.deepEqual(await publishOneEach(), oneKeyEach)
    assert.deepEqual(await publishOneEach(), NO_REQUESTS)
  })

  test('are no more than else when an alias stands for another key: it counts from the next period on', async () => {
    const [first, second] = [await createKey(kms), await createKey(kms)]
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/counted', TargetKeyId: keyIdOf(first) }))
    await giveKey('alias/counted')
    assert.deepEqual(await publishOneEach(), oneKeyEach)
    await kms.send(new UpdateAliasCommand({ AliasName: 'alias/counted', TargetKeyId: keyIdOf(second) }))
    assert.deepEqual(await publishOneEach(), NO_REQUESTS)
    await sleep(REUSE_SECONDS * 1000)
    assert.deepEqual(await publishOneEach(), oneKeyEach)
    assert.deepEqual([issuedUnder(first), issuedUnder(second)], [publishers, publishers])
  })

  test('are in the ledger as in the log', async () => {
    assert.deepEqual(await readLedger(stack), await readKmsLog(stack))
  })

  function giveKey(keyId: string) {
    const [TopicArn] = cast.topicArns
    return cast.admin.send(
      new SetTopicAttributesCommand({ TopicArn, AttributeName: 'KmsMasterKeyId', AttributeValue: keyId }),
    )
  }

  function issuedUnder(keyArn: string): number {
    const lines = readFileSync(join(stack.home, 'logs', 'kms.log'), 'utf8').split('\n')
    return lines.filter((line) => line.includes('"GenerateDataKey"') && line.includes(keyArn)).length
  }
})

function keyIdOf(keyArn: string): string {
  return keyArn.slice(keyArn.lastIndexOf('/') + 1)
}
