/** A Redis with a replica, and publishes that are acknowledged only when both have them. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { CreateTopicCommand, SNSClient, SNSServiceException } from '@aws-sdk/client-sns'
import { keys } from '#shared/stream-log'
import { startTestRedis, type TestRedis } from '#shared/test-redis'
import { createTopic, publish } from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'

const BOUND_MS = 5000

suite('SEALCAST_REDIS_WAIT_REPLICAS', () => {
  let primary: TestRedis
  let replica: TestRedis
  let stack: Stack
  let sns: SNSClient
  let topicArn: string

  before(async () => {
    primary = await startTestRedis({ appendonly: true })
    replica = await startTestRedis({ appendonly: true, replicaOf: primary.port })
    stack = await startStack({
      env: { SEALCAST_REDIS_URL: primary.url, SEALCAST_REDIS_WAIT_REPLICAS: '1', SEALCAST_PARTITIONS: '1' },
    })
    sns = new SNSClient({ ...stack.clientConfig, maxAttempts: 1 })
    topicArn = await createTopic(sns)
    // What is published stays where it can be counted.
    stack.signal('delivery', 'SIGSTOP')
  })

  after(async () => {
    sns.destroy()
    replica.resume()
    stack.signal('delivery', 'SIGCONT')
    await stack[Symbol.asyncDispose]()
    await replica[Symbol.asyncDispose]()
    await primary[Symbol.asyncDispose]()
  })

  test('while the replica is silent: 503 within 5 s that says stored and not safe, for publishes and changes', async () => {
    await publish(sns, topicArn, 'with a replica')
    replica.pause()
    try {
      for (const work of [
        () => publish(sns, topicArn, 'without a replica'),
        () => sns.send(new CreateTopicCommand({ Name: 'created-without-a-replica' })),
      ]) {
        const startedAt = performance.now()
        const refusal: unknown = await work().catch((error: unknown) => error)
        assert.ok(performance.now() - startedAt < BOUND_MS)
        assert.ok(refusal instanceof SNSServiceException, String(refusal))
        assert.deepEqual([refusal.name, refusal.$metadata.httpStatusCode], ['ServiceUnavailable', 503])
        assert.match(refusal.message, /was stored, but not yet on enough replicas: it may be lost on fail-over/)
      }
    } finally {
      replica.resume()
    }
    await publishOnceAccepted('with a replica again')
  })

  test('nothing acknowledged is lost when the primary is killed and the replica takes over', async () => {
    const acknowledged: string[] = []
    let isOver = false
    const publisher = async () => {
      while (!isOver) acknowledged.push(await publish(sns, topicArn, 'x'))
    }
    const publishers = Array.from({ length: 16 }, publisher)
    while (acknowledged.length < 300) await Promise.race([...publishers, new Promise(setImmediate)])
    primary.kill()
    isOver = true
    await Promise.allSettled(publishers)
    await replica.cli('replicaof', 'no', 'one')
    const kept = await replica.cli('xrange', keys.streamKey(0), '-', '+')
    assert.deepEqual(
      acknowledged.filter((id) => !kept.includes(id)),
      [],
    )
  })

  async function publishOnceAccepted(body: string): Promise<void> {
    const deadline = performance.now() + 10_000
    for (;;) {
      try {
        await publish(sns, topicArn, body)
        return
      } catch (error) {
        if (performance.now() > deadline) throw error
      }
    }
  }
})

test('a gateway warns at its start of fewer replicas than it will wait for, and starts', async () => {
  await using primary = await startTestRedis({ appendonly: true })
  await using stack = await startStack({ env: { SEALCAST_REDIS_URL: primary.url, SEALCAST_REDIS_WAIT_REPLICAS: '2' } })
  // The line comes from the gateway's log, which `up` reads beside what it says itself.
  const deadline = performance.now() + 10_000
  while (!stack.output().includes('too-few-replicas')) {
    assert.ok(performance.now() < deadline, stack.output())
    await delay(50)
  }
})
