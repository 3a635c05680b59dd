import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { RedisForeignDataError, RedisOutcomeUnknownError, RedisUnavailableError } from '#shared/redis'
import { RetryScheduleSpoiltError } from '#shared/retry-schedule'
import { LeaseLostError } from '#shared/stream-log'
import type { AttemptDecision, EntryDecision } from './decide-settlement.ts'
import { REREAD_PAUSE_MS } from './limits.ts'
import { SETTLE, setupLoop } from './testing/loop-stage.ts'

const ORDERS = 'arn:aws:sns:us-east-1:000000000000:orders'

suite('runDeliveryLoop()', () => {
  test('handles entries at the same time and settles them', async () => {
    await using stage = setupLoop()
    const both = Promise.withResolvers<void>()
    let begun = 0
    stage.decide(async () => {
      if (++begun === 2) both.resolve()
      await both.promise
      return { kind: 'settle' }
    })
    stage.append('a', 'b')
    await stage.until(() => stage.pending().length === 0 && begun === 2)
    await stage.stop()
  })

  test('writes the body record, then the jobs, then settles', async () => {
    await using stage = setupLoop()
    const later = ['s1', 's2'].map((subscriptionId) => ({ kind: 'retry', subscriptionId, delaySeconds: 20 }) as const)
    stage.decide(async () => ({ kind: 'hand-off', later }))
    stage.append('a')
    await stage.until(() => stage.pending().length === 0 && stage.steps.length === 4)
    assert.deepEqual(stage.steps, ['hand-off a s1:1,s2:1', 'schedule a s1 20000', 'schedule a s2 20000', 'settle a'])
    await stage.stop()
  })

  test('repeats a hand-off and a schedule whose outcome is unknown', async () => {
    await using stage = setupLoop()
    stage.decide(async () => ({ kind: 'hand-off', later: [{ kind: 'retry', subscriptionId: 's1', delaySeconds: 1 }] }))
    stage.failNext('handOff', new RedisOutcomeUnknownError('timed out'))
    stage.failNext('schedule', new RedisUnavailableError('not connected'))
    stage.append('a')
    await stage.until(() => stage.steps.includes('settle a'))
    assert.equal(stage.handled.length, 1)
    await stage.stop()
  })

  test('quarantines what does not verify and goes on with the rest', async () => {
    await using stage = setupLoop()
    stage.appendForged('evil')
    stage.append('good')
    await stage.until(() => stage.steps.length === 2)
    assert.deepEqual(stage.steps.toSorted(), ['quarantine evil RECORD_FORGED', 'settle good'])
    assert.deepEqual(stage.alarms, ['entry.quarantined'])
    await stage.stop()
  })

  test('leaves a held entry pending, gives its place back, and tries it again at the next reading', async () => {
    await using stage = setupLoop({ budget: 1 })
    stage.decide(async (entry) => (entry.messageId === 'held' ? { kind: 'hold', reason: 'KMS_DISABLED' } : SETTLE))
    stage.append('held')
    await stage.until(() => stage.handled.length === 1)
    stage.append('free')
    await stage.until(() => stage.steps.includes('settle free'))
    assert.deepEqual(stage.pending(), ['held'])
    stage.decide(async () => SETTLE)
    stage.clock.advance(REREAD_PAUSE_MS)
    await stage.until(() => stage.pending().length === 0)
    await stage.stop()
  })

  test('reads the entries of a former owner at the start, and does not try again what was handed off', async () => {
    await using stage = setupLoop({ begin: false })
    stage.append('fresh', 'handed-off')
    stage.claimAll()
    stage.bodies.set('handed-off', ['s7'])
    stage.begin()
    await stage.until(() => stage.pending().length === 0)
    assert.deepEqual(stage.handled, ['fresh'])
    assert.deepEqual(stage.steps.toSorted(), ['schedule handed-off s7 0', 'settle fresh', 'settle handed-off'])
    await stage.stop()
  })

  test('lines up in its backlog what waits, and delivers it from there with the attempts that were made', async () => {
    await using stage = setupLoop()
    stage.decide(async () => ({
      kind: 'hand-off',
      later: [{ kind: 'waits', subscriptionId: 's1', underWay: undefined }],
    }))
    stage.append('a')
    // The drain may be quicker than the settlement: after the hand-off the two depend on each other no more.
    await stage.until(() => stage.steps.length === 3)
    assert.equal(stage.steps[0], 'hand-off a s1:w0')
    assert.deepEqual(stage.steps.toSorted(), ['hand-off a s1:w0', 'leave a s1 close', 'settle a'])
    assert.deepEqual(stage.attempts, ['a s1 1'])
    await stage.stop()
  })

  test('does not try again a first attempt that goes on, and schedules its retry when it fails', async () => {
    await using stage = setupLoop()
    const answer = Promise.withResolvers<AttemptDecision>()
    stage.decide(async () => ({
      kind: 'hand-off',
      later: [{ kind: 'waits', subscriptionId: 's1', underWay: answer.promise }],
    }))
    stage.append('a')
    await stage.until(() => stage.steps.includes('settle a'))
    answer.resolve({ kind: 'retry', delaySeconds: 7, reason: 'TIMEOUT' })
    await stage.until(() => stage.steps.includes('leave a s1 keep'))
    assert.deepEqual(stage.steps, [
      'hand-off a s1:w0',
      'settle a',
      'note a s1 1',
      'schedule a s1 7000',
      'leave a s1 keep',
    ])
    assert.deepEqual(stage.attempts, [])
    await stage.stop()
  })

  test('tries from its backlog what was expected there, was not lined up, and then had to wait', async () => {
    await using stage = setupLoop()
    const later = { kind: 'waits', subscriptionId: 's1' } as const
    stage.decide(async () => ({ kind: 'hand-off', later: [{ ...later, underWay: new Promise(() => undefined) }] }))
    stage.failNext('handOff', new RedisForeignDataError('WRONGTYPE'))
    stage.append('a')
    await stage.until(() => stage.alarms.length === 1)
    stage.decide(async () => ({ kind: 'hand-off', later: [{ ...later, underWay: undefined }] }))
    stage.clock.advance(REREAD_PAUSE_MS)
    await stage.until(() => stage.steps.includes('leave a s1 close'))
    assert.deepEqual(stage.attempts, ['a s1 1'])
    await stage.stop()
  })

  test('reads held entries again also when the clock was set back', async () => {
    await using stage = setupLoop()
    stage.decide(async () => ({ kind: 'hold', reason: 'KMS_DISABLED' }))
    stage.append('held')
    await stage.until(() => stage.handled.length === 1 && stage.idle())
    stage.decide(async () => SETTLE)
    stage.clock.advance(-3_600_000)
    await stage.until(() => stage.pending().length === 0)
    await stage.stop()
  })

  test('reads long lists of pending entries page by page', async () => {
    await using stage = setupLoop({ begin: false })
    const names = Array.from({ length: 300 }, (_, index) => `m${index}`)
    stage.append(...names)
    stage.claimAll()
    stage.begin()
    await stage.until(() => stage.pending().length === 0)
    assert.deepEqual(stage.handled.toSorted(), names.toSorted())
    await stage.stop()
  })

  test('asks for the version of the topic that comes next together with the claim, and does not claim in vain', async () => {
    await using stage = setupLoop()
    await stage.until(() => stage.idle())
    const before = stage.questions.length
    for (const name of ['a', 'b']) {
      stage.append(name)
      await stage.until(() => stage.handled.includes(name) && stage.idle())
    }
    const once = ['claim', `ahead ${ORDERS}`, `versions after ${ORDERS}`]
    assert.deepEqual(stage.questions.slice(before), [...once, ...once])
    await stage.stop()
  })

  test('does not use what was asked for ahead when the claim was sent again behind it', async () => {
    await using stage = setupLoop()
    await stage.until(() => stage.idle())
    const before = stage.questions.length
    stage.resendNextClaim()
    stage.append('a')
    await stage.until(() => stage.handled.length === 1)
    assert.deepEqual(stage.questions.slice(before, before + 3), ['claim', `ahead ${ORDERS}`, 'versions'])
    await stage.stop()
  })

  test("does not use an earlier claim's version for a claim that was not waited for", async () => {
    await using stage = setupLoop()
    await stage.until(() => stage.idle())
    stage.decide(async () => {
      if (stage.handled.length === 1) stage.append('c')
      return SETTLE
    })
    const before = stage.questions.length
    stage.append('a', 'b')
    await stage.until(() => stage.handled.includes('c') && stage.idle())
    const waitedFor = ['claim', `ahead ${ORDERS}`, `versions after ${ORDERS}`]
    assert.deepEqual(stage.questions.slice(before), [...waitedFor, 'claim', 'versions'])
    await stage.stop()
  })

  test('claims again at once after more than one, and after all there was room for', async () => {
    for (const [budget, names] of [
      [100, ['a', 'b']],
      [1, ['a']],
    ] as const) {
      await using stage = setupLoop({ budget })
      await stage.until(() => stage.idle())
      const before = stage.questions.length
      stage.append(...names)
      await stage.until(() => stage.handled.length === names.length && stage.idle())
      const once = ['claim', `ahead ${ORDERS}`, `versions after ${ORDERS}`]
      assert.deepEqual(stage.questions.slice(before), [...once, 'claim'])
      await stage.stop()
    }
  })

  test('rereads at once after a claim whose reply was lost', async () => {
    await using stage = setupLoop()
    await stage.until(() => stage.readings() > 0)
    stage.loseNextClaim()
    stage.append('a')
    await stage.until(() => stage.steps.includes('settle a'))
    await stage.stop()
  })

  test('does not handle twice an entry that is settled while a page is on its way', async () => {
    await using stage = setupLoop()
    const answer = Promise.withResolvers<EntryDecision>()
    stage.decide(() => answer.promise)
    stage.append('a')
    await stage.until(() => stage.handled.length === 1)
    const page = stage.holdNextPage()
    stage.clock.advance(REREAD_PAUSE_MS)
    await page.read
    answer.resolve(SETTLE)
    await stage.until(() => stage.pending().length === 0)
    page.deliver()
    stage.decide(async () => SETTLE)
    stage.append('b')
    await stage.until(() => stage.steps.includes('settle b'))
    assert.deepEqual(stage.handled, ['a', 'b'])
    await stage.stop()
  })

  test('leaves entries pending when the topics cannot be read', async () => {
    await using stage = setupLoop()
    stage.failNext('resolve', new RedisUnavailableError('not connected'))
    stage.append('a')
    await stage.until(() => stage.steps.includes('settle a'))
    await stage.stop()
  })

  test('leaves an entry pending when handling it fails unforeseen', async () => {
    await using stage = setupLoop()
    stage.decide(() => Promise.reject(new TypeError('a fault of ours')))
    stage.append('a')
    await stage.until(() => stage.errors.includes('entry.failed'))
    assert.deepEqual(stage.pending(), ['a'])
    await stage.stop()
  })

  test('gives up a partition whose stream or group was taken away', async () => {
    for (const replyCode of ['WRONGTYPE', 'NOGROUP']) {
      await using stage = setupLoop()
      stage.failNext('claim', new RedisForeignDataError(replyCode))
      await assert.rejects(stage.finished, { replyCode })
    }
  })

  test('leaves an entry pending, gives its place back and raises an alarm when its retry cannot be kept', async () => {
    await using stage = setupLoop({ budget: 1 })
    stage.decide(async () => ({ kind: 'hand-off', later: [{ kind: 'retry', subscriptionId: 's', delaySeconds: 20 }] }))
    stage.failNext('schedule', new RetryScheduleSpoiltError('a key is in the way'))
    stage.append('a')
    await stage.until(() => stage.alarms.includes('entry.failed'))
    assert.deepEqual(stage.pending(), ['a'])
    stage.decide(async () => SETTLE)
    stage.append('b')
    await stage.until(() => stage.steps.includes('settle b'))
    await stage.stop()
  })

  test('delivers an entry although somebody laid a body record beside it that does not verify', async () => {
    await using stage = setupLoop({ begin: false })
    stage.append('a')
    stage.claimAll()
    stage.bodies.set('a', [])
    stage.forgedBodies.add('a')
    stage.begin()
    await stage.until(() => stage.steps.includes('settle a'))
    assert.deepEqual(stage.handled, ['a'])
    assert.deepEqual(stage.alarms, ['record.forged'])
    await stage.stop()
  })

  test('drops everything at once when a fenced script is refused', async () => {
    await using stage = setupLoop()
    const answer = Promise.withResolvers<EntryDecision>()
    stage.decide(() => answer.promise)
    stage.append('a')
    await stage.until(() => stage.handled.length === 1)
    stage.failNext('claim', new LeaseLostError(0))
    stage.append('b')
    await stage.finished
    assert.equal(stage.lost(), 1)
    assert.deepEqual(stage.handled, ['a'])
    assert.deepEqual(stage.pending(), ['a', 'b'])
    answer.resolve(SETTLE)
  })

  test('claims nothing more when told to stop, and waits for what is in flight', async () => {
    await using stage = setupLoop()
    const answer = Promise.withResolvers<EntryDecision>()
    stage.decide(() => answer.promise)
    stage.append('a')
    await stage.until(() => stage.handled.length === 1 && stage.idle())
    const stopped = stage.stop()
    stage.append('b')
    await delay(20)
    assert.deepEqual(stage.handled, ['a'])
    answer.resolve(SETTLE)
    await stopped
    assert.deepEqual(stage.steps, ['settle a'])
  })

  test('has no more in flight than its budget', async () => {
    await using stage = setupLoop({ budget: 3 })
    let now = 0
    let most = 0
    stage.decide(async () => {
      most = Math.max(most, ++now)
      await delay(1)
      now--
      return SETTLE
    })
    stage.append(...Array.from({ length: 30 }, (_, index) => `m${index}`))
    await stage.until(() => stage.steps.length === 30)
    assert.equal(most, 3)
    await stage.stop()
  })
})
