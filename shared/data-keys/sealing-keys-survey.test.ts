import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { idOf, setUpSealing } from './testing/sealing-stage.ts'

suite('survey()', () => {
  test('tells how many keys may seal and how old the oldest is', async () => {
    const { keys, clock, pair } = setUpSealing({ kmsTakesMs: 1_000 })
    assert.deepEqual(keys.survey(), { keys: 0, oldestAgeMs: 0 })
    await keys.use(pair, idOf)
    clock.advance(100_000)
    await keys.use({ ...pair, principal: 'x' }, idOf)
    // Both calls of KMS took a second.
    assert.deepEqual(keys.survey(), { keys: 2, oldestAgeMs: 102_000 })
    clock.advance(198_000)
    assert.deepEqual(keys.survey(), { keys: 1, oldestAgeMs: 199_000 })
    clock.advance(300_000)
    assert.deepEqual(keys.survey(), { keys: 0, oldestAgeMs: 0 })
  })

  test('leaves out keys that are used up, which are held until they are replaced', async () => {
    const { keys, pair } = setUpSealing({ maxMessages: 2 })
    await keys.use(pair, idOf, 2)
    assert.deepEqual(keys.survey(), { keys: 0, oldestAgeMs: 0 })
  })
})

suite('onRetired()', () => {
  test('tells age at the last use, and messages, of a key that is replaced', async () => {
    const { keys, clock, pair, retired } = setUpSealing({ kmsTakesMs: 1_000 })
    await keys.use(pair, idOf)
    clock.advance(100_000)
    await keys.use(pair, idOf, 10)
    clock.advance(250_000)
    assert.deepEqual(retired, [])
    await keys.use(pair, idOf)
    assert.deepEqual(retired, [{ ageMs: 101_000, messages: 11 }])
  })

  test('takes a key of a gateway whose clock is ahead for a new one', async () => {
    const { gateway, clock, pair, retired } = setUpSealing()
    const ahead = { ...clock, now: () => clock.now() + 3_000 }
    await gateway({ clock: ahead }).use(pair, idOf)
    const keys = gateway()
    await keys.use(pair, idOf)
    keys.forget(pair.topicArn)
    assert.deepEqual(retired, [{ ageMs: 0, messages: 1 }])
  })

  test('tells it once of a key whose publisher went silent, whose topic was forgotten, or that made room', async () => {
    const { keys, clock, pair, retired } = setUpSealing({ maxPairs: 2 })
    const others = ['x', 'y'].map((principal) => ({ ...pair, principal }))
    for (const one of [pair, ...others]) await keys.use(one, idOf)
    assert.equal(retired.length, 1)
    keys.forget(pair.topicArn)
    assert.equal(retired.length, 3)
    await keys.use(pair, idOf)
    clock.advance(300_000)
    keys.survey()
    keys.survey()
    assert.deepEqual(retired, new Array(4).fill({ ageMs: 0, messages: 1 }))
  })
})
