/** A KMS key that stops working while messages are to be delivered: they wait for it, all others flow, none is lost. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DisableKeyCommand, EnableKeyCommand, type KMSClient } from '@aws-sdk/client-kms'
import type { SNSClient } from '@aws-sdk/client-sns'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readMetrics,
  redisCli,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'
import { deliveryLog } from './subscriptions-at.ts'
import type { TestSubscriber } from './test-subscriber.ts'

/** In production 30 s: everything here is that much shorter. */
const PROBE_MS = 3_000
/** Found by the next probe; the rest is for a busy machine. */
const RELEASED_WITHIN_MS = PROBE_MS + 10_000
const MESSAGES = 60
/** More than are under way at once, so that their order shows. */
const MANY = 300
/** MAX_IN_FLIGHT_PER_PARTITION of the worker: so many are begun at once, and arrive in any order. */
const UNDER_WAY = 128
/**
 * A message is begun when it was read, verified, composed and signed, each of which may take one a little longer than the next.
 * Being overtaken shows otherwise: all that had no room at one moment are late by all that found some afterwards.
 */
const LATE = { places: 32, share: 0.1 }

suite('messages whose KMS key does not work', () => {
  test('wait while the key is disabled, without an attempt, and arrive in order when it is enabled', async (t) => {
    await using stage = await setup()
    const { stack, kms, sealed, other, keyArn } = stage
    // The worker that opened the key before is gone; the gateway has its data key still.
    await publish(stage.sns, sealed.topicArn, 'the first')
    await sealed.subscriber.receive('Notification', 1)
    await untilFinished(stack)
    await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
    await stack.killAndWaitForRestart('delivery')
    const ids = await publishMany(stage.sns, sealed.topicArn, MANY)
    await untilHeld(stack, MANY)

    const startedAt = performance.now()
    await publishMany(stage.sns, other.topicArn, MESSAGES)
    await other.subscriber.receive('Notification', MESSAGES)
    const otherMs = performance.now() - startedAt
    assert.equal(idsOf(sealed.subscriber).length, 1)
    assert.deepEqual(await metric(stack, /^sealcast_deliveries_total\{.*outcome="(?:retry|failed)".*\} (\d+)$/gm), 0)

    await kms.send(new EnableKeyCommand({ KeyId: keyArn }))
    const enabledAt = performance.now()
    await sealed.subscriber.receive('Notification', MANY + 1, RELEASED_WITHIN_MS)
    const releasedMs = performance.now() - enabledAt
    await untilFinished(stack)
    const arrived = idsOf(sealed.subscriber).slice(1)
    assert.deepEqual(arrived.toSorted(), ids.toSorted(), 'none lost, none twice')
    const begun = distances(
      ids,
      beginnings(stack, sealed.topicArn).filter((id) => ids.includes(id)),
    )
    const late = begun.filter((places) => places > LATE.places).length
    assert.ok(late <= MANY * LATE.share, `${late} of ${MANY} were begun more than ${LATE.places} places from their own`)
    const arrivedOff = median(distances(ids, arrived))
    assert.ok(arrivedOff <= UNDER_WAY / 2, `arrived ${arrivedOff} places from their own in the median`)
    assert.match(
      (await readMetrics(stack)).join('\n'),
      new RegExp(`^sealcast_held_messages\\{key="${keyArn}"\\} 0$`, 'm'),
    )
    t.diagnostic(
      `${MANY} held, begun ${median(begun)} places from their own in the median, ${late} more than ${LATE.places}, ` +
        `arrived ${arrivedOff}; ${MESSAGES} of another topic delivered in ${otherMs.toFixed(0)} ms meanwhile; ` +
        `released ${releasedMs.toFixed(0)} ms after the key worked again (probes each ${PROBE_MS} ms)`,
    )
  })

  test('wait while KMS is dead, and arrive when it is back', async (t) => {
    await using stage = await setup()
    const { stack, sealed, other } = stage
    await publish(stage.sns, sealed.topicArn, 'the first')
    await sealed.subscriber.receive('Notification', 1)
    await untilFinished(stack)
    // Stopped rather than killed: the supervisor would have another one in a moment.
    stack.signal('kms', 'SIGSTOP')
    await stack.killAndWaitForRestart('delivery')
    const ids = await publishMany(stage.sns, sealed.topicArn, MESSAGES)
    await untilHeld(stack, MESSAGES)
    await publishMany(stage.sns, other.topicArn, 10)
    await other.subscriber.receive('Notification', 10)
    assert.equal(idsOf(sealed.subscriber).length, 1)
    await stack.killAndWaitForRestart('kms')
    const backAt = performance.now()
    await sealed.subscriber.receive('Notification', MESSAGES + 1, RELEASED_WITHIN_MS + 5_000)
    t.diagnostic(`released ${(performance.now() - backAt).toFixed(0)} ms after KMS was back`)
    await untilFinished(stack)
    assert.deepEqual(idsOf(sealed.subscriber).slice(1).toSorted(), ids.toSorted(), 'none lost, none twice')
  })

  test('outlast a restart of everything, with two workers', async () => {
    await using stage = await setup({ SEALCAST_WORKERS: '2' })
    const { stack, kms, sealed, keyArn } = stage
    await publish(stage.sns, sealed.topicArn, 'the first')
    await sealed.subscriber.receive('Notification', 1)
    await untilFinished(stack)
    await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
    await stack.killAndWaitForRestart('delivery')
    await stack.killAndWaitForRestart('delivery-2')
    const ids = await publishMany(stage.sns, sealed.topicArn, MESSAGES)
    await untilHeld(stack, MESSAGES)
    await stack.stop()
    await stack.start()
    const again = kmsClient(stack)
    await sleep(PROBE_MS)
    assert.equal(idsOf(sealed.subscriber).length, 1)
    await again.send(new EnableKeyCommand({ KeyId: keyArn }))
    await sealed.subscriber.receive('Notification', MESSAGES + 1, RELEASED_WITHIN_MS)
    await untilFinished(stack)
    assert.deepEqual(idsOf(sealed.subscriber).slice(1).toSorted(), ids.toSorted())
    again.destroy()
  })
})

interface Stage extends AsyncDisposable {
  readonly stack: Stack
  readonly sns: SNSClient
  readonly kms: KMSClient
  readonly keyArn: string
  readonly sealed: SubscribedTopic
  /** Under no key; in the same partition, as there is one. */
  readonly other: SubscribedTopic
}

interface SubscribedTopic {
  readonly topicArn: string
  readonly subscriber: TestSubscriber
}

async function setup(env: Readonly<Record<string, string>> = {}): Promise<Stage> {
  await using undo = new AsyncDisposableStack()
  const stack = undo.use(
    await startStack({ env: { SEALCAST_PARTITIONS: '1', SEALCAST_KEY_PROBE_MS: String(PROBE_MS), ...env } }),
  )
  trustStack(stack)
  const [sns, kms] = [snsClient(stack), kmsClient(stack)]
  undo.defer(() => {
    sns.destroy()
    kms.destroy()
  })
  const keyArn = await createKey(kms)
  const subscribed = async (attributes: Record<string, string>) => {
    const topicArn = await createTopic(sns, attributes)
    return { topicArn, subscriber: undo.use(await subscribeAndConfirm(stack, { sns, topicArn })) }
  }
  const sealed = await subscribed({ KmsMasterKeyId: keyArn })
  const other = await subscribed({})
  const held = undo.move()
  return { stack, sns, kms, keyArn, sealed, other, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

/** One after the other, so that their order is known. */
async function publishMany(sns: SNSClient, topicArn: string, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < count; n++) ids.push(await publish(sns, topicArn, `message ${n}`))
  return ids
}

/** Polls, since a stream's length sends no event. */
async function untilHeld(stack: Stack, count: number): Promise<void> {
  const deadline = performance.now() + 30_000
  const [key = ''] = [(await redisCli(stack, '--scan', '--pattern', 'sealcast:{p:0}:stream')).trim()]
  for (;;) {
    const held = (await redisCli(stack, '--scan', '--pattern', 'sealcast:{p:0}:held:*')).trim()
    const length = held === '' ? 0 : Number(await redisCli(stack, 'XLEN', held))
    if (length === count && (await redisCli(stack, 'XLEN', key)) === '0') return
    if (performance.now() > deadline) throw new Error(`${length} are held, not ${count}`)
    await sleep(50)
  }
}

function idsOf(subscriber: TestSubscriber): string[] {
  return subscriber.received.filter(({ json }) => json.Type === 'Notification').map(({ json }) => json.MessageId ?? '')
}

/**
 * Message ids in the order in which their first attempts were begun. That is the worker's to keep; in which order so many
 * parallel requests arrive is up to their connections, some of which are still shaking hands while others are at work.
 */
function beginnings(stack: Stack, topicArn: string): string[] {
  return deliveryLog(stack, 'delivery.attempted')
    .filter((line) => line.topicArn === topicArn)
    .map(({ messageId, time, durationMs }) => ({
      id: String(messageId),
      at: new Date(time as string).getTime() - Number(durationMs),
    }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ id }) => id)
}

/** By how many places each came too early or too late. */
function distances(expected: readonly string[], actual: readonly string[]): number[] {
  return actual.map((id, at) => Math.abs(at - expected.indexOf(id)))
}

function median(of: readonly number[]): number {
  return of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)] ?? 0
}

async function metric(stack: Stack, pattern: RegExp): Promise<number> {
  const text = (await readMetrics(stack)).join('\n')
  return [...text.matchAll(pattern)].reduce((sum, [, value]) => sum + Number(value), 0)
}
