import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { EntryDecision } from './decide-settlement.ts'
import { MAX_HELD_KEYS_PER_PARTITION, MAX_REFUSED_IN_A_ROW } from './limits.ts'
import { SETTLE, setupLoop } from './testing/loop-stage.ts'

const KEY = 'arn:aws:kms:us-east-1:000000000000:key/1'
const HOLD_FOR_KEY: EntryDecision = { kind: 'hold-for-key', keyArn: KEY, reason: 'KMS_DISABLED' }

suite('runDeliveryLoop() while a KMS key does not work', () => {
  test('moves an entry that waits for its KMS key out of the stream, and delivers all in order when the key works', async () => {
    await using stage = setupLoop()
    stage.decide(async (entry) => (entry.messageId === 'free' ? SETTLE : HOLD_FOR_KEY))
    stage.append('a', 'b', 'free', 'c')
    await stage.until(() => stage.pending().length === 0)
    assert.deepEqual(stage.steps.toSorted(), ['hold a', 'hold b', 'hold c', 'settle free'])
    stage.handled.length = 0
    stage.steps.length = 0
    stage.decide(async () => SETTLE)
    stage.releaseKey(KEY)
    await stage.until(() => !stage.isWaitedFor(KEY))
    assert.deepEqual(stage.handled, ['a', 'b', 'c'])
    assert.deepEqual(stage.steps, ['leave a', 'leave b', 'leave c', 'unwatch true'])
    await stage.stop()
  })

  test('holds entries in stream order, whichever of them is refused first', async () => {
    await using stage = setupLoop()
    const refused = Promise.withResolvers<EntryDecision>()
    stage.decide(async () => refused.promise)
    stage.append('a', 'b', 'c', 'd')
    await stage.until(() => stage.handled.length === 4)
    refused.resolve(HOLD_FOR_KEY)
    await stage.until(() => stage.pending().length === 0)
    assert.deepEqual(stage.steps, ['hold a', 'hold b', 'hold c', 'hold d'])
    await stage.stop()
  })

  test('leaves in line what is refused again, and ends the release when the whole key is', async () => {
    await using stage = setupLoop({ budget: 1 })
    stage.decide(async () => HOLD_FOR_KEY)
    stage.append('a', 'b', ...Array.from({ length: 400 }, (_, n) => `c${n}`))
    await stage.until(() => stage.pending().length === 0)
    stage.handled.length = 0
    stage.decide(async ({ messageId }) => {
      if (messageId === 'b') return SETTLE
      if (messageId !== 'a') stage.refuse(KEY)
      return HOLD_FOR_KEY
    })
    stage.releaseKey(KEY)
    await stage.until(() => stage.handled.length === 2 + MAX_REFUSED_IN_A_ROW && stage.steps.includes('leave b'))
    await delay(20)
    assert.equal(stage.handled.length, 2 + MAX_REFUSED_IN_A_ROW)
    assert.ok(stage.isWaitedFor(KEY))
    await stage.stop()
    assert.deepEqual(stage.steps.at(-1), 'unwatch false')
  })

  test('reads no more held entries than there are places, and lets newer ones have their turn', async () => {
    await using stage = setupLoop({ budget: 4 })
    stage.decide(async () => HOLD_FOR_KEY)
    stage.append(...Array.from({ length: 200 }, (_, n) => `held${n}`))
    await stage.until(() => stage.pending().length === 0)
    stage.handled.length = 0
    const slow = Promise.withResolvers<EntryDecision>()
    stage.decide(async () => slow.promise)
    stage.releaseKey(KEY)
    await stage.until(() => stage.handled.length === 4)
    await delay(20)
    assert.equal(stage.handled.length, 4)
    assert.equal(stage.mostHeldRead(), 4)
    stage.decide(async () => SETTLE)
    stage.append('new')
    slow.resolve(SETTLE)
    await stage.until(() => !stage.isWaitedFor(KEY) && stage.pending().length === 0)
    assert.ok(stage.handled.indexOf('new') < 100, `newer one at ${stage.handled.indexOf('new')}`)
    assert.equal(new Set(stage.handled).size, 201)
    await stage.stop()
  })

  test('quarantines a held entry that does not verify, and releases the others', async () => {
    await using stage = setupLoop()
    stage.decide(async () => HOLD_FOR_KEY)
    stage.append('a', 'b')
    await stage.until(() => stage.pending().length === 0)
    stage.alterHeld(KEY, 'a')
    stage.decide(async () => SETTLE)
    stage.releaseKey(KEY)
    await stage.until(() => !stage.isWaitedFor(KEY))
    assert.ok(stage.steps.includes('quarantine a RECORD_FORGED'))
    assert.ok(stage.steps.includes('leave b'))
    assert.deepEqual(stage.alarms, ['entry.quarantined'])
    await stage.stop()
  })

  test('does not deliver again what a former owner had released and handed off', async () => {
    await using stage = setupLoop()
    stage.decide(async () => HOLD_FOR_KEY)
    stage.append('a')
    await stage.until(() => stage.pending().length === 0)
    stage.handled.length = 0
    stage.bodies.set('a', ['s7'])
    stage.releaseKey(KEY)
    await stage.until(() => !stage.isWaitedFor(KEY))
    assert.deepEqual(stage.handled, [])
    assert.ok(stage.steps.includes('schedule a s7 0'))
    await stage.stop()
  })

  test('has room for more keys of a former owner when others are released', async () => {
    await using stage = setupLoop({ begin: false })
    const keyArns = Array.from({ length: MAX_HELD_KEYS_PER_PARTITION + 2 }, (_, n) => `${KEY}${n}`)
    for (const keyArn of keyArns) stage.holdAlready(keyArn, keyArn)
    stage.decide(async () => SETTLE)
    stage.begin()
    const waitedFor = () => keyArns.filter((keyArn) => stage.isWaitedFor(keyArn))
    await stage.until(() => waitedFor().length === MAX_HELD_KEYS_PER_PARTITION)
    for (const keyArn of waitedFor().slice(0, 2)) stage.releaseKey(keyArn)
    await stage.until(() => waitedFor().includes(`${KEY}${MAX_HELD_KEYS_PER_PARTITION + 1}`))
    assert.equal(waitedFor().length, MAX_HELD_KEYS_PER_PARTITION)
    await stage.stop()
  })

  test('watches the keys that a former owner held messages for', async () => {
    await using stage = setupLoop({ begin: false })
    stage.holdAlready(KEY, 'a', 'b')
    stage.begin()
    await stage.until(() => stage.isWaitedFor(KEY))
    stage.releaseKey(KEY)
    await stage.until(() => !stage.isWaitedFor(KEY))
    assert.deepEqual(stage.handled, ['a', 'b'])
    await stage.stop()
  })
})
