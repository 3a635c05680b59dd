import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { EnvelopeAuthenticationError } from '#shared/envelope'
import { KmsDisabledError } from '#shared/kms-client'
import { RedisForeignDataError, RedisUnavailableError } from '#shared/redis'
import { LeaseLostError } from '#shared/stream-log'
import { RETRY_HELD_MS, RETRY_HOLD_MS } from './limits.ts'
import { DUE, known, MESSAGE, retryStage, SCHEDULED_AT, subscription } from './testing/retry-stage.ts'
import type { TopicState } from './topic-cache.ts'

const HELD = { kind: 'hold', delayMs: RETRY_HELD_MS }
const SEALED = { encryptedDataKey: Buffer.from('edk'), keyArn: 'arn:aws:kms:us-east-1:000000000000:key/1' }
const HOLD = { kind: 'hold', delayMs: RETRY_HOLD_MS }

suite('createRetryProcessor()', () => {
  test('delivers, settles the subscription, and is done', async () => {
    const { process, attempts, settled } = retryStage()
    assert.deepEqual(await process(DUE), { kind: 'done' })
    assert.deepEqual(attempts, [{ subscriptionId: 's1', attempt: 3 }])
    assert.deepEqual(settled, [`${MESSAGE} s1`])
  })

  test('gives up after a final answer as it does after a delivery', async () => {
    const { process, settled } = retryStage({ decision: { kind: 'failed', reason: 'HTTP_404' } })
    assert.deepEqual(await process(DUE), { kind: 'done' })
    assert.deepEqual(settled, [`${MESSAGE} s1`])
  })

  test('asks for another retry with the delay of the policy, in configured seconds, jittered', async () => {
    const { process, settled } = retryStage({ decision: { kind: 'retry', delaySeconds: 20, reason: 'HTTP_503' } })
    assert.deepEqual(await process(DUE), { kind: 'retry', delayMs: 95, reason: 'HTTP_503' })
    assert.deepEqual(settled, [])
  })

  test('is done when the body record or the subscription on it is gone', async () => {
    const { process, attempts } = retryStage({ openSubscriptions: ['other'] })
    assert.deepEqual(await process(DUE), { kind: 'done' })
    assert.deepEqual(await process({ ...DUE, messageId: 'gone' }), { kind: 'done' })
    assert.deepEqual(attempts, [])
  })

  test('settles without delivery when topic or subscription are gone or changed', async () => {
    const topics: TopicState[] = [
      { kind: 'unknown' },
      known([subscription('s1')], { incarnation: 'c'.repeat(32) }),
      known([subscription('s1', { state: 'deleted' })]),
      known([]),
    ]
    for (const topic of topics) {
      const { process, attempts, settled } = retryStage({ topic })
      assert.deepEqual(await process(DUE), { kind: 'done' })
      assert.deepEqual(attempts, [])
      assert.deepEqual(settled, [`${MESSAGE} s1`])
    }
  })

  test('holds without an attempt: unusable topic, unusable key, Redis away, a fault of ours', async () => {
    const stages = [
      retryStage({ topic: { kind: 'unusable', reason: 'TOPIC_RECORD_FORGED', lookedAt: 0 } }),
      retryStage({ composeFailure: new KmsDisabledError('disabled') }),
      retryStage({ readFailure: new RedisUnavailableError('not connected') }),
      retryStage({ composeFailure: new TypeError('unforeseen') }),
    ]
    for (const { process, attempts, settled } of stages) {
      assert.deepEqual(await process(DUE), HOLD)
      assert.deepEqual(attempts, [])
      assert.deepEqual(settled, [])
    }
  })

  test('holds a message for its KMS key without an attempt, and keeps the job for whoever releases it', async () => {
    const { process, attempts, settled, held } = retryStage({
      sealed: SEALED,
      composeFailure: new KmsDisabledError('disabled'),
    })
    assert.deepEqual(await process(DUE), HELD)
    assert.deepEqual(held, [`${SEALED.keyArn} ${MESSAGE} s1 undefined KMS_DISABLED`])
    assert.deepEqual([attempts, settled], [[], []])
  })

  test('looks again soon when the message cannot be held, as too many keys are', async () => {
    const failure = { composeFailure: new KmsDisabledError('disabled'), mayHold: false }
    assert.deepEqual(await retryStage({ sealed: SEALED, ...failure }).process(DUE), HOLD)
  })

  test('does not try a message that is held, and gives none up however long it is', async () => {
    for (const o of [{}, { admitMs: 700 }]) {
      const { process, attempts, held, clock, endpoints } = retryStage({ ...o, state: { held: true } })
      clock.advance(10_000_000)
      assert.deepEqual(await process(DUE), HELD)
      for (let n = 0; n < 64; n++) endpoints.of('s1').tryEnter()
      void process(DUE)
      void process(DUE)
      assert.deepEqual(await process(DUE), HELD)
      assert.deepEqual([attempts, held], [[], []])
    }
  })

  test('does not count the time in which a message was held against its waiting for room', async () => {
    const { process, clock } = retryStage({ admitMs: 700, state: { resumedAt: SCHEDULED_AT + 10_000_000 } })
    clock.advance(10_000_000 + 3_600 * 5 + 60_000)
    assert.deepEqual((await process(DUE)).kind, 'hold')
    clock.advance(1)
    assert.deepEqual(await process(DUE), { kind: 'done' })
  })

  test('holds with an alarm when the body record is of another type', async () => {
    const { process, attempts, alarms } = retryStage({ readFailure: new RedisForeignDataError('WRONGTYPE') })
    assert.deepEqual(await process(DUE), HOLD)
    assert.deepEqual(attempts, [])
    assert.deepEqual(alarms, ['retry.failed'])
  })

  test('refuses with an alarm a record that was altered, moved, or does not open, and leaves it', async () => {
    const stages = [
      retryStage({ alter: (fields) => void fields.set('body', Buffer.from('other')) }),
      retryStage({ storedAs: '00000000-0000-4000-8000-000000000002' }),
      retryStage({ composeFailure: new EnvelopeAuthenticationError() }),
    ]
    for (const { process, attempts, settled, alarms } of stages) {
      assert.deepEqual(await process(DUE), { kind: 'done' })
      assert.deepEqual(attempts, [])
      assert.deepEqual(settled, [])
      assert.deepEqual(alarms, ['body.refused'])
    }
  })

  test('abandons when the lease is gone, before or by a refused script', async () => {
    const before = retryStage()
    before.gone.abort()
    assert.deepEqual(await before.process(DUE), { kind: 'abandon' })
    assert.deepEqual(before.attempts, [])

    const refused = retryStage({ settleFailure: new LeaseLostError(0) })
    assert.deepEqual(await refused.process(DUE), { kind: 'abandon' })
    assert.equal(refused.lost(), 1)
  })

  test('does not deliver again because settling had to be repeated', async () => {
    const { process, attempts, settled } = retryStage({ settleFailureOnce: new RedisUnavailableError('not connected') })
    assert.deepEqual(await process(DUE), { kind: 'done' })
    assert.equal(attempts.length, 1)
    assert.equal(settled.length, 1)
  })

  test('counts the attempts that were made before it was scheduled', async () => {
    const { process, attempts } = retryStage({ attemptsMade: 4 })
    await process(DUE)
    assert.deepEqual(attempts, [{ subscriptionId: 's1', attempt: 6 }])
  })

  test('holds without an attempt when a rate does not allow it now', async () => {
    const { process, attempts, endpoints } = retryStage({ admitMs: 700 })
    assert.deepEqual(await process(DUE), { kind: 'hold', delayMs: 700 })
    assert.deepEqual(attempts, [])
    assert.equal(endpoints.of('s1').isIdle, true)
  })

  test('waits in line for an endpoint without room: two of them, while others come again later', async () => {
    const { process, attempts, endpoints } = retryStage()
    const permits = Array.from({ length: 64 }, () => endpoints.of('s1').tryEnter())
    const waiting = [process(DUE), process(DUE)]
    const third = await process(DUE)
    assert.ok(third.kind === 'hold' && third.delayMs >= 250)
    assert.deepEqual(attempts, [])
    permits[0]?.leave('untried')
    permits[1]?.leave('untried')
    assert.deepEqual(await Promise.all(waiting), [{ kind: 'done' }, { kind: 'done' }])
    assert.equal(attempts.length, 2)
  })

  test('gives up what found no room for longer than any policy and a backlog last, and counts it', async () => {
    const { process, attempts, settled, warnings, clock, endpoints, page } = retryStage()
    for (let n = 0; n < 64; n++) endpoints.of('s1').tryEnter()
    void process(DUE)
    void process(DUE)
    clock.advance(3_600 * 5 + 60_000)
    assert.equal((await process(DUE)).kind, 'hold')
    clock.advance(1)
    assert.deepEqual(await process(DUE), { kind: 'done' })
    assert.deepEqual(attempts, [])
    assert.deepEqual(settled, [`${MESSAGE} s1`])
    assert.deepEqual(warnings, ['retry.expired'])
    assert.match(await page(), /^sealcast_topic_notifications_total\{topic="arn:[^"]+",outcome="failed"\} 1$/m)
  })

  test('gives up what no rate allowed for as long, and tries what is as old and finds room', async () => {
    const throttled = retryStage({ admitMs: 700 })
    throttled.clock.advance(10_000_000)
    assert.deepEqual(await throttled.process(DUE), { kind: 'done' })
    assert.deepEqual(throttled.attempts, [])
    const free = retryStage()
    free.clock.advance(10_000_000)
    await free.process(DUE)
    assert.equal(free.attempts.length, 1)
  })

  test('leaves places to others while many endpoints do not answer', async () => {
    const subscriptions = Array.from({ length: 40 }, (_, n) => `silent${n}`)
    const { process, attempts, endpoints } = retryStage({
      topic: known([...subscriptions, 's1'].map((id) => subscription(id))),
      openSubscriptions: [...subscriptions, 's1'],
      answer: new Promise(() => undefined),
    })
    for (const id of subscriptions) endpoints.of(id).tryEnter()?.leave('unanswered')
    const verdicts = subscriptions.map((subscriptionId) => process({ ...DUE, subscriptionId }))
    const held = await Promise.all(verdicts.slice(16))
    assert.ok(held.every(({ kind }) => kind === 'hold'))
    void process(DUE)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(attempts.length, 17)
    assert.equal(attempts.at(-1)?.subscriptionId, 's1')
  })

  test('leaves the line when the partition is given up', async () => {
    const { process, attempts, endpoints, stopping } = retryStage()
    for (let n = 0; n < 64; n++) endpoints.of('s1').tryEnter()
    const waiting = process(DUE)
    stopping.abort()
    assert.deepEqual(await waiting, { kind: 'abandon' })
    assert.deepEqual(attempts, [])
    assert.equal(endpoints.of('s1').waiting, 0)
  })

  test('leaves an attempt alone that takes long while the partition is given up', async () => {
    const { process, stopping, settled, lost } = retryStage({ answer: new Promise(() => undefined) })
    const retrying = process(DUE)
    stopping.abort()
    assert.deepEqual(await retrying, { kind: 'abandon' })
    assert.deepEqual(settled, [])
    assert.equal(lost(), 0)
  })
})
