/** Redis gone: publishers are told at once and truthfully, and everything recovers by itself. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { SNSClient, SNSServiceException } from '@aws-sdk/client-sns'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  redisCli,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'

const BOUND_MS = 5000

// Processes are killed here, not machines: with AOF everysec a machine's crash may cost the last second.
suite('Redis gone', () => {
  let stack: Stack
  let sns: SNSClient
  /** Shows the first answer rather than what comes of retries. */
  let impatient: SNSClient
  let keyArn: string

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    sns = snsClient(stack)
    impatient = new SNSClient({ ...stack.clientConfig, maxAttempts: 1 })
    const kms = kmsClient(stack)
    keyArn = await createKey(kms)
    kms.destroy()
  })

  after(async () => {
    sns.destroy()
    impatient.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('silent: 503 in SNS form within 5 s that does not deny having stored it, then recovery', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    let refusal: SNSServiceException | undefined
    const toldNotStored: string[] = []
    // On a slow machine the topic may have to be read first; then nothing was sent, and the answer says that instead.
    for (let round = 0; round < 3 && !refusal?.message.includes('may or may not have been stored'); round++) {
      await publishOnceAccepted(topicArn, `before ${round}`)
      stack.signal('redis', 'SIGSTOP')
      const body = `sent while Redis is silent ${round}`
      try {
        refusal = await refusedWithin(BOUND_MS, () => publish(impatient, topicArn, body))
      } finally {
        stack.signal('redis', 'SIGCONT')
      }
      assert.equal(refusal.name, 'ServiceUnavailable')
      assert.equal(refusal.$metadata.httpStatusCode, 503)
      if (/was not stored/.test(refusal.message)) toldNotStored.push(body)
    }
    assert.match(refusal?.message ?? '', /may or may not have been stored/)
    await publishOnceAccepted(topicArn, 'after')
    await subscriber.until((received) => received.some(({ json }) => json.Message === 'after'))
    await untilFinished(stack)
    const arrived = new Set(subscriber.received.map(({ json }) => json.Message))
    for (const body of toldNotStored) assert.ok(!arrived.has(body), `${body} was delivered though it was refused`)
  })

  test('dead: refusals within 5 s until the supervisor has another, nothing of them is stored, what was stays', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    // What Redis promises with `always`; with everysec it may put off a write while it waits for the disk.
    await redisCli(stack, 'CONFIG', 'SET', 'appendfsync', 'always')
    // With the worker paused they are in Redis alone when it dies.
    stack.signal('delivery', 'SIGSTOP')
    const stored = Array.from({ length: 50 }, (_, n) => `acknowledged before the crash ${n}`)
    await Promise.all(stored.map((body) => publish(sns, topicArn, body)))

    const restarted = stack.killAndWaitForRestart('redis')
    const refused: string[] = []
    for (let n = 0; refused.length === 0 && n < 200; n++) {
      const body = `published during the outage ${n}`
      try {
        await publish(impatient, topicArn, body)
      } catch (error) {
        assert.ok(error instanceof SNSServiceException, String(error))
        assert.equal(error.$metadata.httpStatusCode, 503)
        if (/was not stored/.test(error.message)) refused.push(body)
      }
    }
    assert.ok(refused.length > 0, 'at least one publish met the outage and was told that it was not stored')
    await restarted
    stack.signal('delivery', 'SIGCONT')
    await publishOnceAccepted(topicArn, 'after the crash')
    const bodies = () => subscriber.received.map(({ json }) => json.Message)
    await subscriber.until(() => bodies().includes('after the crash'))
    await untilFinished(stack)
    for (const body of stored) assert.ok(bodies().includes(body), `${body} was lost`)
    for (const body of refused) assert.ok(!bodies().includes(body), `${body} was delivered though it was refused`)
  })

  /** As a publisher would that goes on trying: recovery is nobody's to trigger but the gateway's own. */
  async function publishOnceAccepted(topicArn: string, message: string): Promise<void> {
    const deadline = performance.now() + 10_000
    for (;;) {
      try {
        await publish(sns, topicArn, message)
        return
      } catch (error) {
        if (performance.now() > deadline) throw error
      }
    }
  }
})

async function refusedWithin(boundMs: number, work: () => Promise<unknown>): Promise<SNSServiceException> {
  const startedAt = performance.now()
  const outcome = await work().catch((error: unknown) => error)
  const tookMs = performance.now() - startedAt
  assert.ok(outcome instanceof SNSServiceException, `refused, not ${outcome}`)
  assert.ok(tookMs < boundMs, `refused after ${Math.round(tookMs)} ms`)
  return outcome
}
