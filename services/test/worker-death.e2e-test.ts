/** Nothing acknowledged is lost when the worker dies without a word, again and again. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { startStack } from './start-stack.ts'

const MESSAGES = 1000
/** Deliveries after which the worker is killed; several times, so that it also dies while it catches up. */
const KILLS_AFTER = [100, 400, 700]

suite('kill -9 of the worker', () => {
  test(`in the middle of ${MESSAGES} sealed deliveries loses none`, async (t) => {
    await using stack = await startStack()
    trustStack(stack)
    const sns = snsClient(stack)
    const kms = kmsClient(stack)
    const topicArn = await createTopic(sns, { KmsMasterKeyId: await createKey(kms) })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })

    const bodies = Array.from({ length: MESSAGES }, (_, n) => `message ${n}`)
    const acknowledged: Promise<string>[] = []
    const delivered = () => subscriber.received.filter(({ json }) => json.Type === 'Notification')
    const killing = (async () => {
      for (const count of KILLS_AFTER) {
        await subscriber.until(() => delivered().length >= count, 60_000)
        await stack.killAndWaitForRestart('delivery')
      }
    })()
    for (const body of bodies) {
      acknowledged.push(publish(sns, topicArn, body))
      if (acknowledged.length % 25 === 0) await Promise.all(acknowledged.slice(-25))
    }
    const ids = await Promise.all(acknowledged)
    await killing
    await subscriber.until(() => new Set(delivered().map(({ json }) => json.MessageId)).size === MESSAGES, 60_000)
    await untilFinished(stack)
    const arrived = new Set(delivered().map(({ json }) => json.MessageId))
    assert.deepEqual(
      ids.filter((id) => !arrived.has(id)),
      [],
    )
    assert.deepEqual(new Set(delivered().map(({ json }) => json.Message)), new Set(bodies))
    t.diagnostic(`acknowledged ${ids.length}, delivered ${delivered().length}, lost 0`)
    sns.destroy()
    kms.destroy()
  })
})
