import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Subscription } from '#shared/catalog'
import { KmsDisabledError } from '#shared/kms-client'
import type { Log } from '#shared/log'
import { createMetrics } from '#shared/metrics'
import type { Entry } from '#shared/stream-log'
import type { AttemptDecision } from './decide-settlement.ts'
import { createHandleEntry } from './handle-entry.ts'
import { createDeliveryMetrics } from './metrics.ts'
import { indexRecipients } from './recipients.ts'
import type { TopicState } from './topic-cache.ts'

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:orders'
const NOW = 'b'.repeat(32)
const never = new AbortController().signal

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
    assert.deepEqual(await handle(message(), known([subscription('1')]), AbortSignal.abort()), { kind: 'abandon' })
    assert.deepEqual(attempted, [])
  })

  test('hands off the subscriptions whose attempt is to be repeated', async () => {
    const { handle } = setup({ decisions: { '2': { kind: 'retry', delaySeconds: 20, reason: 'HTTP_503' } } })
    assert.deepEqual(await handle(message(), known([subscription('1'), subscription('2')]), never), {
      kind: 'hand-off',
      retries: [{ subscriptionId: '2', delaySeconds: 20 }],
    })
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
    createdAt: 0,
    ...o,
  }
}

function known(subscriptions: Subscription[]): TopicState {
  return {
    kind: 'known',
    version: 'v1',
    topic: { arn: TOPIC, incarnation: NOW, owner: '000000000000', createdAt: 0, attributes: {} },
    recipients: indexRecipients(subscriptions, NOW),
  }
}

function setup({
  decisions = {},
  failure,
}: {
  decisions?: Readonly<Record<string, AttemptDecision>>
  failure?: Error
} = {}) {
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
    async attemptDelivery({ recipient, attempt }) {
      assert.equal(attempt, 1)
      attempted.push(recipient.subscription.id)
      return decisions[recipient.subscription.id] ?? { kind: 'delivered' }
    },
    log,
    metrics: createDeliveryMetrics(createMetrics({ service: 'test' })),
  })
  return { handle, attempted, composed: () => composed }
}
