import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import type { Subscription } from '#shared/catalog'
import { createFakeClock } from '#shared/clock'
import { EnvelopeAuthenticationError } from '#shared/envelope'
import { KmsDisabledError } from '#shared/kms-client'
import type { Log } from '#shared/log'
import { createMetrics } from '#shared/metrics'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { RedisForeignDataError, RedisUnavailableError } from '#shared/redis'
import { type Entry, encodeEntry, LeaseLostError, type OpenSubscription } from '#shared/stream-log'
import type { AttemptDecision } from './decide-settlement.ts'
import { createEndpoints } from './endpoints/endpoints.ts'
import { RETRY_HELD_MS, RETRY_HOLD_MS } from './limits.ts'
import { createDeliveryMetrics } from './metrics.ts'
import { indexRecipients } from './recipients.ts'
import { createReopen } from './reopen.ts'
import { createRetryProcessor } from './retry.ts'
import type { TopicState } from './topic-cache.ts'

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:orders'
const NOW = 'b'.repeat(32)
const MESSAGE = '00000000-0000-4000-8000-000000000001'
const SCHEDULED_AT = Date.UTC(2026, 0, 1)
const DUE = { messageId: MESSAGE, subscriptionId: 's1', retriesMade: 1, scheduledAt: SCHEDULED_AT }
const HELD = { kind: 'hold', delayMs: RETRY_HELD_MS }
const SEALED = { encryptedDataKey: Buffer.from('edk'), keyArn: 'arn:aws:kms:us-east-1:000000000000:key/1' }
const HOLD = { kind: 'hold', delayMs: RETRY_HOLD_MS }

suite('createRetryProcessor()', () => {
  test('delivers, settles the subscription, and is done', async () => {
    const { process, attempts, settled } = setup()
    assert.deepEqual(await process(DUE), { kind: 'done' })
    assert.deepEqual(attempts, [{ subscriptionId: 's1', attempt: 3 }])
    assert.deepEqual(settled, [`${MESSAGE} s1`])
  })

  test('gives up after a final answer as it does after a delivery', async () => {
    const { process, settled } = setup({ decision: { kind: 'failed', reason: 'HTTP_404' } })
    assert.deepEqual(await process(DUE), { kind: 'done' })
    assert.deepEqual(settled, [`${MESSAGE} s1`])
  })

  test('asks for another retry with the delay of the policy, in configured seconds, jittered', async () => {
    const { process, settled } = setup({ decision: { kind: 'retry', delaySeconds: 20, reason: 'HTTP_503' } })
    assert.deepEqual(await process(DUE), { kind: 'retry', delayMs: 95, reason: 'HTTP_503' })
    assert.deepEqual(settled, [])
  })

  test('is done when the body record or the subscription on it is gone', async () => {
    const { process, attempts } = setup({ openSubscriptions: ['other'] })
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
      const { process, attempts, settled } = setup({ topic })
      assert.deepEqual(await process(DUE), { kind: 'done' })
      assert.deepEqual(attempts, [])
      assert.deepEqual(settled, [`${MESSAGE} s1`])
    }
  })

  test('holds without an attempt: unusable topic, unusable key, Redis away, a fault of ours', async () => {
    const stages = [
      setup({ topic: { kind: 'unusable', reason: 'TOPIC_RECORD_FORGED', lookedAt: 0 } }),
      setup({ composeFailure: new KmsDisabledError('disabled') }),
      setup({ readFailure: new RedisUnavailableError('not connected') }),
      setup({ composeFailure: new TypeError('unforeseen') }),
    ]
    for (const { process, attempts, settled } of stages) {
      assert.deepEqual(await process(DUE), HOLD)
      assert.deepEqual(attempts, [])
      assert.deepEqual(settled, [])
    }
  })

  test('holds a message for its KMS key without an attempt, and keeps the job for whoever releases it', async () => {
    const { process, attempts, settled, held } = setup({
      sealed: SEALED,
      composeFailure: new KmsDisabledError('disabled'),
    })
    assert.deepEqual(await process(DUE), HELD)
    assert.deepEqual(held, [`${SEALED.keyArn} ${MESSAGE} s1 undefined KMS_DISABLED`])
    assert.deepEqual([attempts, settled], [[], []])
  })

  test('looks again soon when the message cannot be held, as too many keys are', async () => {
    const failure = { composeFailure: new KmsDisabledError('disabled'), mayHold: false }
    assert.deepEqual(await setup({ sealed: SEALED, ...failure }).process(DUE), HOLD)
  })

  test('does not try a message that is held, and gives none up however long it is', async () => {
    for (const o of [{}, { admitMs: 700 }]) {
      const { process, attempts, held, clock, endpoints } = setup({ ...o, state: { held: true } })
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
    const { process, clock } = setup({ admitMs: 700, state: { resumedAt: SCHEDULED_AT + 10_000_000 } })
    clock.advance(10_000_000 + 3_600 * 5 + 60_000)
    assert.deepEqual((await process(DUE)).kind, 'hold')
    clock.advance(1)
    assert.deepEqual(await process(DUE), { kind: 'done' })
  })

  test('holds with an alarm when the body record is of another type', async () => {
    const { process, attempts, alarms } = setup({ readFailure: new RedisForeignDataError('WRONGTYPE') })
    assert.deepEqual(await process(DUE), HOLD)
    assert.deepEqual(attempts, [])
    assert.deepEqual(alarms, ['retry.failed'])
  })

  test('refuses with an alarm a record that was altered, moved, or does not open, and leaves it', async () => {
    const stages = [
      setup({ alter: (fields) => void fields.set('body', Buffer.from('other')) }),
      setup({ storedAs: '00000000-0000-4000-8000-000000000002' }),
      setup({ composeFailure: new EnvelopeAuthenticationError() }),
    ]
    for (const { process, attempts, settled, alarms } of stages) {
      assert.deepEqual(await process(DUE), { kind: 'done' })
      assert.deepEqual(attempts, [])
      assert.deepEqual(settled, [])
      assert.deepEqual(alarms, ['body.refused'])
    }
  })

  test('abandons when the lease is gone, before or by a refused script', async () => {
    const before = setup()
    before.gone.abort()
    assert.deepEqual(await before.process(DUE), { kind: 'abandon' })
    assert.deepEqual(before.attempts, [])

    const refused = setup({ settleFailure: new LeaseLostError(0) })
    assert.deepEqual(await refused.process(DUE), { kind: 'abandon' })
    assert.equal(refused.lost(), 1)
  })

  test('does not deliver again because settling had to be repeated', async () => {
    const { process, attempts, settled } = setup({ settleFailureOnce: new RedisUnavailableError('not connected') })
    assert.deepEqual(await process(DUE), { kind: 'done' })
    assert.equal(attempts.length, 1)
    assert.equal(settled.length, 1)
  })

  test('counts the attempts that were made before it was scheduled', async () => {
    const { process, attempts } = setup({ attemptsMade: 4 })
    await process(DUE)
    assert.deepEqual(attempts, [{ subscriptionId: 's1', attempt: 6 }])
  })

  test('holds without an attempt when a rate does not allow it now', async () => {
    const { process, attempts, endpoints } = setup({ admitMs: 700 })
    assert.deepEqual(await process(DUE), { kind: 'hold', delayMs: 700 })
    assert.deepEqual(attempts, [])
    assert.equal(endpoints.of('s1').isIdle, true)
  })

  test('waits in line for an endpoint without room: two of them, while others come again later', async () => {
    const { process, attempts, endpoints } = setup()
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
    const { process, attempts, settled, warnings, clock, endpoints, page } = setup()
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
    const throttled = setup({ admitMs: 700 })
    throttled.clock.advance(10_000_000)
    assert.deepEqual(await throttled.process(DUE), { kind: 'done' })
    assert.deepEqual(throttled.attempts, [])
    const free = setup()
    free.clock.advance(10_000_000)
    await free.process(DUE)
    assert.equal(free.attempts.length, 1)
  })

  test('leaves places to others while many endpoints do not answer', async () => {
    const subscriptions = Array.from({ length: 40 }, (_, n) => `silent${n}`)
    const { process, attempts, endpoints } = setup({
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
    const { process, attempts, endpoints, stopping } = setup()
    for (let n = 0; n < 64; n++) endpoints.of('s1').tryEnter()
    const waiting = process(DUE)
    stopping.abort()
    assert.deepEqual(await waiting, { kind: 'abandon' })
    assert.deepEqual(attempts, [])
    assert.equal(endpoints.of('s1').waiting, 0)
  })

  test('leaves an attempt alone that takes long while the partition is given up', async () => {
    const { process, stopping, settled, lost } = setup({ answer: new Promise(() => undefined) })
    const retrying = process(DUE)
    stopping.abort()
    assert.deepEqual(await retrying, { kind: 'abandon' })
    assert.deepEqual(settled, [])
    assert.equal(lost(), 0)
  })
})

function subscription(id: string, o: Partial<Subscription> = {}): Subscription {
  return {
    id,
    topicArn: TOPIC,
    incarnation: NOW,
    protocol: 'https',
    endpoint: `https://example.com/${id}`,
    owner: '000000000000',
    principal: 'arn:aws:iam::000000000000:user/u',
    state: 'confirmed',
    confirmationWasAuthenticated: false,
    createdAt: 0,
    ...o,
  }
}

function known(subscriptions: Subscription[], { incarnation = NOW }: { incarnation?: string } = {}): TopicState {
  const topic = { arn: TOPIC, incarnation, owner: '000000000000', createdAt: 0, attributes: {} }
  return {
    kind: 'known',
    version: 'v1',
    topic,
    recipients: indexRecipients(subscriptions, topic),
  }
}

function setup({
  topic = known([subscription('s1'), subscription('s2')]),
  decision = { kind: 'delivered' },
  openSubscriptions = ['s1', 's2'],
  storedAs = MESSAGE,
  alter = () => undefined,
  composeFailure,
  readFailure,
  settleFailure,
  settleFailureOnce,
  attemptsMade = 1,
  admitMs = 0,
  answer,
  sealed,
  state = {},
  mayHold = true,
}: {
  topic?: TopicState
  decision?: AttemptDecision
  openSubscriptions?: string[]
  storedAs?: string
  alter?: (fields: Map<string, Buffer>) => void
  composeFailure?: Error
  readFailure?: Error
  settleFailure?: Error
  settleFailureOnce?: Error
  attemptsMade?: number
  admitMs?: number
  answer?: Promise<never>
  sealed?: Entry['sealed']
  state?: Partial<OpenSubscription>
  mayHold?: boolean
} = {}) {
  const recordMac = createRecordMac(
    createSecretRing('01234567', new Map([['01234567', createSecretKey(Buffer.alloc(32, 1))]])),
  )
  const entry: Entry = {
    kind: 'message',
    topicArn: TOPIC,
    incarnation: NOW,
    messageId: storedAs,
    principal: 'arn:aws:iam::000000000000:user/publisher',
    acceptedAt: 1,
    attributes: [],
    body: Buffer.from('words'),
    ...(sealed !== undefined && { sealed }),
  }
  const flat = encodeEntry(entry, recordMac)
  const fields = new Map<string, Buffer>()
  for (let at = 0; at + 1 < flat.length; at += 2) fields.set(String(flat[at]), Buffer.from(flat[at + 1] ?? ''))
  alter(fields)

  const attempts: { subscriptionId: string; attempt: number }[] = []
  const settled: string[] = []
  const held: string[] = []
  const alarms: string[] = []
  const warnings: string[] = []
  let failOnce = settleFailureOnce
  let lost = 0
  const gone = new AbortController()
  const stopping = new AbortController()
  const clock = createFakeClock(SCHEDULED_AT)
  const endpoints = createEndpoints({ clock, retrySecondMs: 1_000 })
  const log: Log = {
    info: () => undefined,
    warn: (event) => void warnings.push(event),
    error: () => undefined,
    alarm: (event) => void alarms.push(event),
    flush: () => undefined,
  }
  const readBody = async (messageId: string) => {
    if (readFailure !== undefined) throw readFailure
    if (messageId !== MESSAGE) return undefined
    return { fields, open: new Map(openSubscriptions.map((id) => [id, { attemptsMade, waits: false, ...state }])) }
  }
  const registry = createMetrics({ service: 'test' })
  const metrics = createDeliveryMetrics(registry, clock)
  const process = createRetryProcessor({
    lease: {
      async settleSubscription(messageId, subscriptionId) {
        const failure = settleFailure ?? failOnce
        failOnce = undefined
        if (failure !== undefined) throw failure
        settled.push(`${messageId} ${subscriptionId}`)
      },
      readBody,
    },
    reopen: createReopen({
      lease: { readBody },
      heldReferences: {
        async hold(keyArn, { messageId, subscriptionId, backlogId }, reason) {
          if (mayHold) held.push(`${keyArn} ${messageId} ${subscriptionId} ${backlogId} ${reason}`)
          return mayHold
        },
      },
      recordMac,
      topics: { resolve: async ([arn = '']) => new Map([[arn, topic]]) },
      async compose() {
        if (composeFailure !== undefined) throw composeFailure
        return () => ({ headers: {}, body: '' })
      },
      clock,
      log,
      metrics,
    }),
    recordMac,
    stopping: stopping.signal,
    gone: gone.signal,
    onLeaseLost() {
      lost++
    },
    admit: () => admitMs,
    async attemptDelivery({ recipient, attempt }) {
      attempts.push({ subscriptionId: recipient.subscription.id, attempt })
      await answer
      return { decision, served: 'served' }
    },
    endpoints,
    retrySecondMs: 5,
    random: () => 0.5,
    maxAgeMs: 60_000,
    clock,
    log,
    metrics,
  })
  const page = async () => (await registry.expose()).text
  return {
    page,
    process,
    attempts,
    settled,
    held,
    alarms,
    warnings,
    stopping,
    gone,
    clock,
    endpoints,
    lost: () => lost,
  }
}
