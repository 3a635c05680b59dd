/** KMS gone, hung or failing, on the real stack: who goes on, who is told, and that nobody is sealed for too long. */

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DisableKeyCommand, EnableKeyCommand, type KMSClient } from '@aws-sdk/client-kms'
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import { createFaultControls } from '#shared/test-kms'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readMetrics,
  subscribeAndConfirm,
  trustStack,
} from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'

/** Instead of 300 s, which data-keys' own tests have on a simulated clock. */
const REUSE_MS = 4_000
/** Of a KMS call, with what a busy machine adds. */
const DEADLINE_MS = 5_000
/** In which publishes work again once KMS does: the longest pause of a breaker, and a probe that hung. */
const RECOVERY_MS = 8_000
const MAX_IN_FLIGHT = 64

suite('an outage of KMS', () => {
  let stack: Stack
  let sns: SNSClient
  let kms: KMSClient
  let faults: ReturnType<typeof createFaultControls>
  let keyArn: string

  before(async () => {
    stack = await startStack({
      env: {
        SEALCAST_DATA_KEY_REUSE_SECONDS: String(REUSE_MS / 1000),
        SEALCAST_MAX_REQUESTS_IN_FLIGHT: String(MAX_IN_FLIGHT),
      },
    })
    trustStack(stack)
    sns = new SNSClient({ ...stack.clientConfig, maxAttempts: 1 })
    kms = kmsClient(stack)
    keyArn = await createKey(kms)
  })
  beforeEach(async () => {
    faults = createFaultControls(stack.env.SEALCAST_KMS_ADMIN_URL ?? '')
    await faults.clear()
    await untilPublished(await createTopic(sns, { KmsMasterKeyId: keyArn }))
  })
  after(async () => {
    sns.destroy()
    kms.destroy()
    await stack[Symbol.asyncDispose]()
  })

  for (const [what, begin, end] of [
    ['a KMS that hangs', () => stack.signal('kms', 'SIGSTOP'), () => stack.signal('kms', 'SIGCONT')],
    ['a KMS that cuts every connection', () => faults.set({ faults: [{ kind: 'reset' }] }), () => faults.clear()],
  ] as [string, () => unknown, () => unknown][]) {
    test(`${what} stops publishers when their data key is too old, and not before; worker and unsealed topics go on`, async () => {
      const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
      const plainTopic = await createTopic(sns)
      const unknown = await Promise.all([1, 2, 3, 4].map(() => createTopic(sns, { KmsMasterKeyId: keyArn })))
      await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
      await publish(sns, plainTopic, 'known')
      const from = Date.now()
      await publish(sns, topicArn, 'first')
      const to = Date.now()
      // Its data key is opened by the worker now.
      await subscriber.receive('Notification', 1)
      await begin()
      try {
        const others = unknown.map((arn) => timed(() => publish(sns, arn, 'nowhere to go')))
        const sealed = await publishUntil(topicArn, from + REUSE_MS + 1_500)
        for (const { startedAt, endedAt, error } of sealed) {
          // One that crosses the moment may be either.
          if (endedAt < from + REUSE_MS) assert.equal(error, undefined, `${endedAt - from} ms after`)
          if (startedAt >= to + REUSE_MS) assert.match(String(error), /InternalError|ServiceUnavailable/)
        }
        const accepted = sealed.filter(({ error }) => error === undefined)
        assert.ok(accepted.length > 20 && accepted.length < sealed.length, `${accepted.length} of ${sealed.length}`)
        for (const { error, ms } of await Promise.all(others)) {
          assert.match(String(error), /InternalErrorException/)
          assert.ok(ms < DEADLINE_MS, `told after ${ms} ms`)
        }
        const delivered = await subscriber.receive('Notification', 1 + accepted.length)
        assert.equal(delivered.length, 1 + accepted.length)
      } finally {
        await end()
      }
      await untilPublished(topicArn)
      await untilPublished(unknown[0] ?? '')
    })
  }

  test('leaves room for unsealed topics and live keys when a crowd waits for a key', async () => {
    const [plainTopic, liveTopic, topicArn] = await Promise.all([
      createTopic(sns),
      createTopic(sns, { KmsMasterKeyId: keyArn }),
      createTopic(sns, { KmsMasterKeyId: keyArn }),
    ])
    await publish(sns, plainTopic, 'known')
    await publish(sns, liveTopic, 'first')
    await faults.set({ faults: [{ kind: 'hang' }] })
    const crowd = Array.from({ length: 3 * MAX_IN_FLIGHT }, () => timed(() => publish(sns, topicArn, 'too many')))
    const beside: Outcome[] = []
    for (let n = 0; n < 40; n++)
      beside.push(await timed(() => publish(sns, n % 2 ? plainTopic : liveTopic, n % 2 ? 'beside' : 'steady')))
    const waited = (await Promise.all(crowd)).filter(({ ms }) => ms > 2_000)
    const answered = beside.filter(({ startedAt }) => startedAt < (waited[0]?.endedAt ?? 0))
    assert.equal(answered.length, beside.length, 'the crowd was still waiting')
    // The crowd’s own handshakes and refusals take time; what comes after them must not.
    for (const { error } of beside.slice(10)) assert.equal(error, undefined)
    const ms = beside.slice(10).map((outcome) => outcome.ms)
    assert.ok(at(ms, 0.5) < 50 && at(ms, 0.95) < 500, `${at(ms, 0.5)} and ${at(ms, 0.95)} ms`)
    assert.equal(waited.length, MAX_IN_FLIGHT * 0.75)
  })

  test('that kills the KMS is over when it runs again, and live keys do not notice', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await publish(sns, topicArn, 'first')
    const restarted = stack.killAndWaitForRestart('kms')
    const other = await createTopic(sns, { KmsMasterKeyId: keyArn })
    for (let n = 0; n < 50; n++) await publish(sns, topicArn, 'meanwhile')
    await restarted
    await untilPublished(other)
  })

  test('opens a breaker: few ask, all others fail at once; its state and the errors are metrics', async () => {
    const topics = await Promise.all(Array.from({ length: 8 }, () => createTopic(sns, { KmsMasterKeyId: keyArn })))
    await faults.set({ faults: [{ kind: 'error', name: 'KMSInternalException', operations: ['GenerateDataKey'] }] })
    const began = performance.now()
    let asked = 0
    while (performance.now() - began < 4_000) {
      const results = await Promise.all(topics.map((arn) => timed(() => publish(sns, arn, 'not stored'))))
      for (const { error } of results) assert.match(String(error), /InternalErrorException/)
      asked += results.length
      await sleep(20)
    }
    const [{ met } = { met: 0 }] = (await faults.read()).faults
    // Two attempts a call: all that are under way when it opens, then one after 500, 1,000 and 2,000 ms.
    assert.ok(met <= 2 * (topics.length + 4) && asked > 10 * met, `${met} requests for ${asked} publishes`)
    assert.match(await metrics(), /^sealcast_kms_breakers_open\{scope="endpoint"\} 1$/m)
    assert.match(await metrics(), /^sealcast_kms_calls_refused_total\{scope="endpoint"\} [1-9]/m)
    assert.match(
      await metrics(),
      /^sealcast_kms_requests_total\{operation="GenerateDataKey",outcome="KMS_UNAVAILABLE",purpose="issue",key="[^"]+"\} [1-9]/m,
    )
    await faults.clear()
    const back = performance.now()
    await untilPublished(topics[0] ?? '')
    assert.ok(performance.now() - back < 3_000, `back after ${performance.now() - back} ms`)
    assert.doesNotMatch(await metrics(), /^sealcast_kms_breakers_open\{scope="endpoint"\} 1$/m)
  })

  test('of one key stops no other', async () => {
    const [lost, well] = await Promise.all([createKey(kms), createKey(kms)])
    const [lostTopics, wellTopics] = await Promise.all(
      [lost, well].map((key) =>
        Promise.all(Array.from({ length: 6 }, () => createTopic(sns, { KmsMasterKeyId: key }))),
      ),
    )
    await faults.set({ faults: [{ kind: 'error', name: 'KeyUnavailableException', keyArn: lost }] })
    for (const arn of lostTopics ?? []) await assert.rejects(publish(sns, arn, 'x'), { name: 'InternalErrorException' })
    for (const arn of wellTopics ?? []) await publish(sns, arn, 'x')
    assert.match(await metrics(), /^sealcast_kms_breakers_open\{scope="key"\} 1$/m)
    assert.doesNotMatch(await metrics(), /^sealcast_kms_breakers_open\{scope="endpoint"\} 1$/m)
  })

  test('is none to whom a full quota throttles: KMSThrottling to that account, and within its rate it goes on', async () => {
    const topics = await Promise.all(Array.from({ length: 12 }, () => createTopic(sns, { KmsMasterKeyId: keyArn })))
    await faults.set({ throttling: [{ quota: 'symmetric', ratePerSecond: 4, burst: 1 }] })
    const waiting = new Set(topics)
    const deadline = performance.now() + 20_000
    for (let n = 0; waiting.size > 0; n++) {
      assert.ok(performance.now() < deadline, `${waiting.size} of ${topics.length} were not served`)
      const arn = topics[n % topics.length] ?? ''
      if (!waiting.has(arn)) continue
      const { error } = await timed(() => publish(sns, arn, 'x'))
      if (error === undefined) waiting.delete(arn)
      else assert.match(String(error), /KMSThrottlingException/)
    }
  })

  test('by switching a key off under load ends every publish within the reuse period', async () => {
    const key = await createKey(kms)
    const load: Promise<Outcome[]>[] = []
    const end = Date.now() + 2 * REUSE_MS + 2_000
    // One pair after another, so that the youngest data key is as old as nothing when the key is switched off.
    let topicArn = ''
    for (let n = 0; n < 8; n++) {
      topicArn = await createTopic(sns, { KmsMasterKeyId: key })
      load.push(publishUntil(topicArn, end))
      await sleep(100)
    }
    await kms.send(new DisableKeyCommand({ KeyId: key }))
    const disabledAt = Date.now()
    for (const outcomes of await Promise.all(load)) {
      const accepted = outcomes.filter(({ error }) => error === undefined)
      assert.ok(
        accepted.some(({ startedAt }) => startedAt < disabledAt),
        'it worked before',
      )
      const last = Math.max(...accepted.map(({ startedAt }) => startedAt))
      assert.ok(last <= disabledAt + REUSE_MS, `the last accepted one began ${last - disabledAt} ms after`)
      const late = outcomes.filter(({ startedAt }) => startedAt > disabledAt + REUSE_MS)
      assert.ok(late.length > 10)
      for (const { error } of late) assert.match(String(error), /KMSDisabledException/)
    }
    await kms.send(new EnableKeyCommand({ KeyId: key }))
    await untilPublished(topicArn)
  })

  test('left nothing of a sealed topic in clear, and nothing at all of what was refused', async () => {
    const folder = join(stack.home, 'redis', 'appendonlydir')
    const files = await readdir(folder)
    const kept = (await Promise.all(files.map((file) => readFile(join(folder, file), 'latin1')))).join('')
    assert.ok(kept.includes('beside'), 'an unsealed text is found')
    for (const text of ['steady', 'nowhere to go', 'too many', 'not stored']) assert.ok(!kept.includes(text), text)
  })

  async function untilPublished(topicArn: string): Promise<void> {
    const deadline = performance.now() + RECOVERY_MS
    for (;;) {
      const { error } = await timed(() => publish(sns, topicArn, 'works'))
      if (error === undefined) return
      assert.ok(performance.now() < deadline, `not within ${RECOVERY_MS} ms: ${error}`)
      await sleep(50)
    }
  }

  /** One after another, a new one every 50 ms. */
  async function publishUntil(topicArn: string, end: number): Promise<Outcome[]> {
    const underWay: Promise<Outcome>[] = []
    while (Date.now() < end) {
      underWay.push(timed(() => sns.send(new PublishCommand({ TopicArn: topicArn, Message: 'steady' }))))
      await sleep(50)
    }
    return await Promise.all(underWay)
  }

  async function metrics(): Promise<string> {
    return (await readMetrics(stack)).join('\n')
  }
})

interface Outcome {
  /** Epoch ms. */
  startedAt: number
  endedAt: number
  ms: number
  error: unknown
}

async function timed(work: () => Promise<unknown>): Promise<Outcome> {
  const startedAt = Date.now()
  const began = performance.now()
  const error = await work().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { startedAt, endedAt: Date.now(), ms: performance.now() - began, error }
}

function at(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * values.length)] ?? 0
}
