import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Subscription } from '#shared/catalog'
import { systemClock } from '#shared/clock'
import { KmsDisabledError } from '#shared/kms-client'
import type { Log } from '#shared/log'
import { createMetrics } from '#shared/metrics'
import type { Entry } from '#shared/stream-log'
import type { AttemptDecision } from './decide-settlement.ts'
import { createEndpoints } from './endpoints/endpoints.ts'
import { createFirstAttempt } from './first-attempt.ts'
import { createHandleEntry } from './handle-entry.ts'
import { createDeliveryMetrics } from './metrics.ts'
import { indexRecipients } from './recipients.ts'
import type { TopicState } from './topic-cache.ts'

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:orders'
const NOW = 'b'.repeat(32)
const never = { hasBacklog: () => false, gone: new AbortController().signal }

suite('createHandleEntry()', () => {
  test('delivers a message to every confirmed subscription and to no other', async () => {
    const { handle, attempted } = setup()
    const topic = known([subscription('1'), subscription('2', { state: 'pending' }), subscription('3')])
    assert.deepEqual(await handle(message(), topic, never), { kind: 'settle' })
    assert.deepEqual(attempted, ['1', '3'])
  })

  test('does not open a message that nobody is to receive', async () => {
    const { handle, composed } = setup()
    assert.deepEqual(await handle(message(), known([subscription('1', { state: 'deleted' })]), never), {
      kind: 'settle',
    })
    assert.equal(composed(), 0)
  })

  test('drops an entry of a topic that is gone or was created anew', async () => {
    const { handle, attempted } = setup()
    assert.deepEqual(await handle(message(), { kind: 'unknown' }, never), { kind: 'settle' })
    const earlier = message({ incarnation: 'a'.repeat(32) })
    assert.deepEqual(await handle(earlier, known([subscription('1')]), never), { kind: 'settle' })
    assert.deepEqual(attempted, [])
  })

  test('holds an entry whose topic record is forged', async () => {
    const { handle } = setup()
    const topic = { kind: 'unusable', reason: 'TOPIC_RECORD_FORGED', lookedAt: 0 } as const
    assert.deepEqual(await handle(message(), topic, never), { kind: 'hold', reason: 'TOPIC_RECORD_FORGED' })
  })

  test('holds a sealed entry for its KMS key', async () => {
    const sealed = { encryptedDataKey: Buffer.from('edk'), keyArn: 'arn:aws:kms:us-east-1:000000000000:key/1' }
    const { handle } = setup({ failure: new KmsDisabledError('disabled') })
    assert.deepEqual(await handle({ ...message(), sealed }, known([subscription('s1')]), never), {
      kind: 'hold-for-key',
      keyArn: sealed.keyArn,
      reason: 'KMS_DISABLED',
    })
  })

  test('holds an entry that cannot be opened now', async () => {
    const { handle, attempted } = setup({ failure: new KmsDisabledError('disabled') })
    assert.deepEqual(await handle(message(), known([subscription('1')]), never), {
      kind: 'hold',
      reason: 'KMS_DISABLED',
    })
    assert.deepEqual(attempted, [])
  })

  test('begins no attempt once the lease is gone', async () => {
    const { handle, attempted } = setup()
    assert.deepEqual(await handle(message(), known([subscription('1')]), { ...never, gone: AbortSignal.abort() }), {
      kind: 'abandon',
    })
    assert.deepEqual(attempted, [])
  })

  test('hands off the subscriptions whose attempt is to be repeated', async () => {
    const { handle } = setup({ decisions: { '2': { kind: 'retry', delaySeconds: 20, reason: 'HTTP_503' } } })
    assert.deepEqual(await handle(message(), known([subscription('1'), subscription('2')]), never), {
      kind: 'hand-off',
      later: [{ kind: 'retry', subscriptionId: '2', delaySeconds: 20 }],
    })
  })

  test('lines up those whose endpoint has no room, and delivers to the others', async () => {
    const { handle, endpoints } = setup()
    const permits = Array.from({ length: 64 }, () => endpoints.of('2').tryEnter())
    assert.ok(permits.at(-1))
    assert.deepEqual(await handle(message(), known([subscription('1'), subscription('2')]), never), {
      kind: 'hand-off',
      later: [{ kind: 'waits', subscriptionId: '2', underWay: undefined }],
    })
  })

  test('waits a moment for room at a healthy endpoint', async () => {
    const { handle, endpoints } = setup()
    const permits = Array.from({ length: 64 }, () => endpoints.of('1').tryEnter())
    const handling = handle(message(), known([subscription('1')]), never)
    permits[0]?.leave('served')
    assert.deepEqual(await handling, { kind: 'settle' })
  })

  test('lines up a message behind those that wait already, unless there is room for it at once', async () => {
    const { handle, endpoints, attempted } = setup()
    const behind = { ...never, hasBacklog: (id: string) => id === '1' }
    const both = known([subscription('1'), subscription('2')])
    assert.deepEqual(await handle(message(), both, behind), { kind: 'settle' })
    for (let n = 0; n < 64; n++) endpoints.of('1').tryEnter()
    const waits = { kind: 'waits', subscriptionId: '1', underWay: undefined }
    assert.deepEqual(await handle(message(), both, behind), { kind: 'hand-off', later: [waits] })
    assert.deepEqual(attempted, ['1', '2', '2'])
  })

  test('waits longer for an endpoint that takes messages at a rate than for one that does not', async () => {
    const answer = Promise.withResolvers<AttemptDecision>()
    const { handle, endpoints } = setup({ answers: { '1': () => answer.promise } })
    const handling = handle(message(), known([subscription('1')]), never)
    for (let n = 0; n < 7; n++) {
      await delay(50)
      endpoints.of('1').tryEnter()?.leave('served')
    }
    answer.resolve({ kind: 'delivered' })
    assert.deepEqual(await handling, { kind: 'settle' })
  })

  test('lines up with its attempt what is not answered soon, and gives the permit back at the end', async () => {
    const answer = Promise.withResolvers<AttemptDecision>()
    const { handle, endpoints } = setup({ answers: { '2': () => answer.promise } })
    const decision = await handle(message(), known([subscription('1'), subscription('2')]), never)
    assert.equal(decision.kind, 'hand-off')
    const [later] = decision.kind === 'hand-off' ? decision.later : []
    assert.ok(later?.kind === 'waits' && later.subscriptionId === '2' && later.underWay !== undefined)
    assert.equal(endpoints.of('2').isIdle, false)
    answer.resolve({ kind: 'delivered' })
    assert.deepEqual(await later.underWay, { kind: 'delivered' })
    assert.equal(endpoints.of('2').isIdle, true)
  })

  test('lets wait what cannot be attempted for a fault of ours, so that the others do not receive it again', async () => {
    const fault = () => Promise.reject(new TypeError('unforeseen'))
    const { handle, attempted } = setup({ answers: { '2': fault } })
    assert.deepEqual(await handle(message(), known([subscription('1'), subscription('2')]), never), {
      kind: 'hand-off',
      later: [{ subscriptionId: '2', kind: 'waits', underWay: undefined }],
    })
    assert.deepEqual(attempted, ['1', '2'])
    await assert.rejects(handle(message(), known([subscription('2')]), never), TypeError)
  })

  test('makes no attempt that a rate does not allow now', async () => {
    const { handle, attempted } = setup({ admit: () => 250 })
    assert.equal((await handle(message(), known([subscription('1')]), never)).kind, 'hand-off')
    assert.deepEqual(attempted, [])
  })

  for (const [purpose, state] of [
    ['subscribe', 'pending'],
    ['unsubscribe', 'deleted'],
  ] as const) {
    test(`sends a confirmation to ${purpose} to the ${state} subscription it names only`, async () => {
      const { handle, attempted } = setup()
      const entry = message({ kind: 'confirmation', confirmation: { subscriptionId: '1', purpose } })
      await handle(entry, known([subscription('1', { state }), subscription('2', { state })]), never)
      assert.deepEqual(attempted, ['1'])
      await handle(entry, known([subscription('1', { state: 'confirmed' })]), never)
      await handle(entry, known([subscription('2', { state })]), never)
      assert.deepEqual(attempted, ['1'])
    })
  }
})

suite('createHandleEntry() of messages that keep an order', () => {
  test('lines up without asking for room where one before does, and takes room where none does', async () => {
    const { handle, attempted } = setup()
    const order = ordered({ mustLineUp: (id) => id === '1' })
    const decision = await handle(message(), known([subscription('1'), subscription('2')]), { ...never, order })
    assert.deepEqual(decision, {
      kind: 'hand-off',
      later: [{ subscriptionId: '1', kind: 'waits', underWay: undefined }],
    })
    assert.deepEqual(attempted, ['2'])
    assert.deepEqual(order.linedUp, ['1'])
  })

  test('tells those behind that it lines up when no room came', async () => {
    const { handle, attempted, endpoints } = setup()
    const permits = Array.from({ length: 64 }, () => endpoints.of('1').tryEnter())
    assert.ok(permits.every((permit) => permit !== undefined))
    const order = ordered({ mustLineUp: () => false })
    await handle(message(), known([subscription('1')]), { ...never, order })
    assert.deepEqual(attempted, [])
    assert.deepEqual(order.linedUp, ['1'])
  })

  test('gives back the room it waited for when one before it lines up meanwhile', async () => {
    const { handle, attempted, endpoints } = setup()
    const permits = Array.from({ length: 64 }, () => endpoints.of('1').tryEnter())
    let linesUp = false
    const order = ordered({ mustLineUp: () => linesUp })
    const decided = handle(message(), known([subscription('1')]), { ...never, order })
    while (endpoints.of('1').waiting === 0) await delay(1)
    linesUp = true
    permits[0]?.leave('untried')
    await decided
    assert.deepEqual(attempted, [])
    assert.deepEqual(order.linedUp, ['1'])
    assert.notEqual(endpoints.of('1').tryEnter(), undefined)
  })
})

function message(o: Partial<Entry> = {}): Entry {
  return {
    kind: 'message',
    topicArn: TOPIC,
    incarnation: NOW,
    messageId: '00000000-0000-4000-8000-000000000001',
    principal: 'arn:aws:iam::000000000000:user/publisher',
    acceptedAt: 1,
    attributes: [],
    body: Buffer.from('words'),
    ...o,
  }
}

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
    createdAt: systemClock.now(),
    ...o,
  }
}

function known(subscriptions: Subscription[]): TopicState {
  const topic = { arn: TOPIC, incarnation: NOW, owner: '000000000000', createdAt: 0, attributes: {} }
  return {
    kind: 'known',
    version: 'v1',
    topic,
    recipients: indexRecipients(subscriptions, topic),
  }
}

function setup({
  decisions = {},
  answers = {},
  admit = () => 0,
  failure,
}: {
  decisions?: Readonly<Record<string, AttemptDecision>>
  answers?: Readonly<Record<string, () => Promise<AttemptDecision>>>
  admit?: () => number
  failure?: Error
} = {}) {
  const endpoints = createEndpoints({ clock: systemClock, retrySecondMs: 1_000 })
  const attempted: string[] = []
  let composed = 0
  const log: Log = {
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
    alarm: () => undefined,
    flush: () => undefined,
  }
  const handle = createHandleEntry({
    async compose() {
      composed++
      if (failure !== undefined) throw failure
      return () => ({ headers: {}, body: '' })
    },
    firstAttempt: createFirstAttempt({
      endpoints,
      admit,
      async attemptDelivery({ recipient, attempt }) {
        const { id } = recipient.subscription
        assert.equal(attempt, 1)
        attempted.push(id)
        return { decision: (await answers[id]?.()) ?? decisions[id] ?? { kind: 'delivered' }, served: 'served' }
      },
    }),
    clock: systemClock,
    log,
    metrics: createDeliveryMetrics(createMetrics({ service: 'test' }), systemClock),
  })
  return { handle, attempted, endpoints, composed: () => composed }
}

function ordered({ mustLineUp }: { mustLineUp: (subscriptionId: string) => boolean }) {
  const linedUp: string[] = []
  return { mustLineUp, linesUp: (subscriptionId: string) => void linedUp.push(subscriptionId), linedUp }
}
