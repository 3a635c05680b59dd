import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { DataKeyPair } from './data-key-pair.ts'
import { FakeKmsError } from './fake-data-key-source.ts'
import { createFakeDataKeyStore } from './fake-data-key-store.ts'
import { createSealingKeys } from './sealing-keys.ts'
import { idOf, setUpSealing } from './testing/sealing-stage.ts'

suite('use()', () => {
  test('obtains one data key for 3,000 concurrent first uses', async () => {
    const { keys, kms, pair } = setUpSealing()
    const ids = await Promise.all(Array.from({ length: 3_000 }, () => keys.use(pair, idOf)))
    assert.equal(new Set(ids).size, 1)
    assert.deepEqual(kms.calls, [
      { operation: 'GenerateDataKey', purpose: 'issue', keyId: pair.configuredKeyId, principal: pair.principal },
    ])
  })

  test('asks for another key for each topic, principal and configured key', async () => {
    const { keys, kms, pair } = setUpSealing()
    const pairs = [
      pair,
      ...(['topicArn', 'principal', 'configuredKeyId'] as const).map((part) => ({ ...pair, [part]: 'x' })),
    ]
    for (const used of [...pairs, ...pairs]) await keys.use(used, idOf)
    assert.equal(kms.count('GenerateDataKey'), pairs.length)
  })

  test('keeps pairs apart whose parts hold line ends', async () => {
    const { keys, pair } = setUpSealing()
    const [one, two] = [
      { ...pair, principal: 'p', configuredKeyId: 'a\nb' },
      { ...pair, principal: 'p', configuredKeyId: 'a' },
    ]
    assert.notEqual(await keys.use(one, idOf), await keys.use(two, idOf))
  })

  test('runs the work in the same tick as the look-up when a key is held', async () => {
    const { keys, pair } = setUpSealing()
    await keys.use(pair, idOf)
    let ran = false
    const used = keys.use(pair, () => {
      ran = true
    })
    assert.equal(ran, true)
    await used
  })

  test('counts the age from just before the request, and ends it at the reuse period', async () => {
    const { keys, kms, clock, pair } = setUpSealing({ kmsTakesMs: 1_000 })
    const first = await keys.use(pair, idOf)
    clock.advance(298_999)
    assert.equal(await keys.use(pair, idOf), first)
    clock.advance(1)
    assert.notEqual(await keys.use(pair, idOf), first)
    assert.equal(kms.count('GenerateDataKey'), 2)
  })

  test('gives the moment of the request as the time of issue', async () => {
    const { keys, clock, pair } = setUpSealing({ kmsTakesMs: 1_000 })
    const before = clock.now()
    assert.equal(await keys.use(pair, (issued) => issued.issuedAt), before)
  })

  test('costs a steady publisher exactly 288 keys a day, and an idle one none', async () => {
    const { keys, kms, clock, pair } = setUpSealing()
    const ids = new Set<string>()
    for (let second = 0; second < 86_400; second += 10) {
      ids.add(await keys.use(pair, idOf))
      clock.advance(10_000)
    }
    assert.equal(kms.count('GenerateDataKey'), 288)
    assert.equal(kms.count('Decrypt'), 0)
    assert.equal(ids.size, 288)
    clock.advance(86_400_000)
    assert.equal(kms.calls.length, 288)
  })

  test('replaces a key after its last message, though it is still stored for others', async () => {
    const { keys, kms, pair } = setUpSealing({ maxMessages: 3 })
    const ids = await Promise.all(Array.from({ length: 10 }, () => keys.use(pair, idOf)))
    const uses = [...new Set(ids)].map((id) => ids.filter((other) => other === id).length)
    assert.deepEqual(uses, [3, 3, 3, 1])
    assert.equal(kms.count('GenerateDataKey'), 4)
  })

  test('does not trust a key when the clock was set back past its issue', async () => {
    const { keys, clock, pair } = setUpSealing()
    const first = await keys.use(pair, idOf)
    clock.advance(-4_999)
    assert.equal(await keys.use(pair, idOf), first)
    clock.advance(-2)
    assert.notEqual(await keys.use(pair, idOf), first)
  })

  test('does not use a key for longer when the clock was set back within its life', async () => {
    const { clock, kms, pair } = setUpSealing()
    let passedMs = 0
    const keys = createSealingKeys({
      kms,
      store: createFakeDataKeyStore({ clock }),
      clock,
      reuseMs: 300_000,
      onLookup: () => undefined,
      passed: () => passedMs,
    })
    const first = await keys.use(pair, idOf)
    const pass = (ms: number) => {
      passedMs += ms
      clock.advance(ms)
    }
    pass(200_000)
    clock.advance(-150_000)
    pass(99_999)
    assert.equal(await keys.use(pair, idOf), first)
    pass(1)
    assert.notEqual(await keys.use(pair, idOf), first)
  })

  test('reports one look-up a use: a miss when it had to wait, else a hit', async () => {
    const { keys, lookups, pair } = setUpSealing({ maxMessages: 2 })
    await Promise.all([keys.use(pair, idOf), keys.use(pair, idOf), keys.use(pair, idOf)])
    await keys.use(pair, idOf)
    assert.deepEqual(lookups, ['miss', 'miss', 'miss', 'hit'])
  })

  test('zeroes every plaintext before the work sees the key', async () => {
    const { keys, kms, pair, gateway } = setUpSealing()
    const assertZeroed = () => {
      for (const plaintext of kms.handedOut) assert.ok(plaintext.every((byte) => byte === 0))
    }
    await keys.use(pair, assertZeroed)
    await gateway().use(pair, assertZeroed)
    assert.equal(kms.handedOut.length, 2)
  })

  test('zeroes a plaintext that is no data key', async () => {
    const { keys, kms, pair } = setUpSealing()
    const plaintext = Buffer.alloc(31, 7)
    kms.generateDataKey = async () => ({ plaintext, encryptedDataKey: Buffer.alloc(1), keyArn: 'arn' })
    await assert.rejects(keys.use(pair, idOf), { code: 'DATA_KEY_MALFORMED' })
    assert.deepEqual(plaintext, Buffer.alloc(31))
  })

  test('throws what the work throws and keeps the key', async () => {
    const { keys, kms, pair } = setUpSealing()
    const failure = new Error('work')
    const work = () => {
      throw failure
    }
    await assert.rejects(keys.use(pair, work), failure)
    await keys.use(pair, idOf)
    assert.equal(kms.calls.length, 1)
  })

  test('forgets the pair used longest ago when there are too many', async () => {
    const { keys, kms, pair } = setUpSealing({ maxPairs: 2 })
    const [a, b, c] = ['a', 'b', 'c'].map((principal) => ({ ...pair, principal })) as [
      DataKeyPair,
      DataKeyPair,
      DataKeyPair,
    ]
    for (const used of [a, b, a, c]) await keys.use(used, idOf)
    kms.calls.length = 0
    await keys.use(a, idOf)
    assert.deepEqual(kms.calls, [])
    await keys.use(b, idOf)
    assert.equal(kms.count('Decrypt'), 1)
  })

  test('serves more pairs at once than it can hold', async () => {
    const { keys, kms, pair } = setUpSealing({ maxPairs: 2 })
    await Promise.all(Array.from({ length: 50 }, (_, at) => keys.use({ ...pair, principal: `p${at}` }, idOf)))
    assert.equal(kms.calls.length, 50)
  })

  test('gives up when keys expire faster than KMS answers', async () => {
    const { keys, kms, pair } = setUpSealing({ kmsTakesMs: 1_000, reuseMs: 1_000 })
    await assert.rejects(keys.use(pair, idOf), { code: 'DATA_KEY_UNAVAILABLE', retryable: true })
    assert.equal(kms.count('GenerateDataKey'), 3)
  })

  test('refuses a reuse period out of range', () => {
    for (const reuseMs of [0, 300_001, Number.NaN]) assert.throws(() => setUpSealing({ reuseMs }), RangeError)
  })
})

suite('use(), when KMS fails', () => {
  test('tells all who wait, and asks KMS once for all of them', async () => {
    const { keys, kms, pair } = setUpSealing()
    kms.fail('GenerateDataKey', new FakeKmsError('KMS_UNAVAILABLE', { retryable: true }))
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => keys.use(pair, idOf)))
    assert.ok(results.every((result) => result.status === 'rejected' && result.reason.code === 'KMS_UNAVAILABLE'))
    assert.equal(kms.calls.length, 1)
  })

  test('asks again at once after throttling, an outage or an integrity failure', async () => {
    const { keys, kms, pair } = setUpSealing()
    for (const code of ['KMS_THROTTLING', 'KMS_UNAVAILABLE', 'KMS_INTEGRITY']) {
      kms.fail('GenerateDataKey', new FakeKmsError(code))
      await assert.rejects(keys.use(pair, idOf), { code })
    }
    kms.fail('GenerateDataKey', undefined)
    await keys.use(pair, idOf)
    assert.equal(kms.calls.length, 4)
  })

  for (const code of ['KMS_ACCESS_DENIED', 'KMS_DISABLED', 'KMS_INVALID_STATE', 'KMS_NOT_FOUND']) {
    test(`remembers ${code} for 5 s, for the pair alone`, async () => {
      const { keys, kms, clock, pair } = setUpSealing()
      kms.fail('GenerateDataKey', new FakeKmsError(code))
      for (let publish = 0; publish < 100; publish++) await assert.rejects(keys.use(pair, idOf), { code })
      assert.equal(kms.calls.length, 1)
      kms.fail('GenerateDataKey', undefined)
      await keys.use({ ...pair, principal: 'other' }, idOf)
      clock.advance(4_999)
      await assert.rejects(keys.use(pair, idOf), { code })
      clock.advance(1)
      await keys.use(pair, idOf)
      assert.equal(kms.calls.length, 3)
    })
  }

  test('does not remember a refusal for longer when the clock was set back', async () => {
    const { keys, kms, clock, pair } = setUpSealing()
    kms.fail('GenerateDataKey', new FakeKmsError('KMS_DISABLED'))
    await assert.rejects(keys.use(pair, idOf), { code: 'KMS_DISABLED' })
    kms.fail('GenerateDataKey', undefined)
    clock.advance(-3_600_000)
    await keys.use(pair, idOf)
  })

  test('lets no more than so many wait for keys, of whatever pair, and serves held keys meanwhile', async () => {
    const { keys, kms, pair } = setUpSealing({ maxWaiting: 3 })
    const other = { ...pair, configuredKeyId: 'alias/other' }
    await keys.use({ ...pair, configuredKeyId: 'alias/held' }, idOf)
    const stalled = kms.stall()
    const waiting = [keys.use(pair, idOf), keys.use(pair, idOf), keys.use(other, idOf)]
    await assert.rejects(keys.use(pair, idOf), { code: 'DATA_KEY_UNAVAILABLE' })
    await assert.rejects(keys.use(other, idOf), { code: 'DATA_KEY_UNAVAILABLE' })
    await keys.use({ ...pair, configuredKeyId: 'alias/held' }, idOf)
    stalled.release()
    await Promise.all(waiting)
    await keys.use({ ...pair, configuredKeyId: 'alias/later' }, idOf)
  })

  for (const error of ['KMS_UNAVAILABLE', 'KMS_THROTTLING', 'KMS_DISABLED'] as const) {
    test(`with KMS gone (${error}) goes on until the key is 300 s old, and not a millisecond longer`, async () => {
      const { keys, kms, clock, pair } = setUpSealing()
      const id = await keys.use(pair, idOf)
      kms.fail('GenerateDataKey', new FakeKmsError(error, { retryable: true }))
      kms.fail('Decrypt', new FakeKmsError(error, { retryable: true }))
      for (const ms of [1, 149_999, 149_999]) {
        clock.advance(ms)
        assert.equal(await keys.use(pair, idOf), id)
      }
      clock.advance(1)
      for (let n = 0; n < 3; n++) await assert.rejects(keys.use(pair, idOf), { code: error })
      const later = { ...pair, configuredKeyId: 'alias/later' }
      await assert.rejects(keys.use(later, idOf), { code: error })
    })
  }

  test('never uses an expired key instead', async () => {
    const { keys, kms, clock, pair } = setUpSealing()
    await keys.use(pair, idOf)
    clock.advance(300_000)
    kms.fail('GenerateDataKey', new FakeKmsError('KMS_UNAVAILABLE', { retryable: true }))
    await assert.rejects(keys.use(pair, idOf), { code: 'KMS_UNAVAILABLE' })
  })

  test('goes on with a key that is held when the key was disabled meanwhile', async () => {
    const { keys, kms, pair } = setUpSealing()
    await keys.use(pair, idOf)
    kms.fail('GenerateDataKey', new FakeKmsError('KMS_DISABLED'))
    await keys.use(pair, idOf)
  })
})

suite('forget()', () => {
  test('drops the keys of a topic and of no other', async () => {
    const { keys, kms, pair } = setUpSealing()
    const longer = { ...pair, topicArn: `${pair.topicArn}2` }
    await keys.use(pair, idOf)
    await keys.use(longer, idOf)
    keys.forget(pair.topicArn)
    kms.calls.length = 0
    await keys.use(longer, idOf)
    assert.equal(kms.calls.length, 0)
    await keys.use(pair, idOf)
    assert.equal(kms.calls.length, 1)
  })

  test('drops remembered refusals', async () => {
    const { keys, kms, pair } = setUpSealing()
    kms.fail('GenerateDataKey', new FakeKmsError('KMS_DISABLED'))
    await assert.rejects(keys.use(pair, idOf))
    kms.fail('GenerateDataKey', undefined)
    keys.forget(pair.topicArn)
    await keys.use(pair, idOf)
  })

  test('gives a key that was being obtained to nobody who asks later', async () => {
    const { keys, kms, pair } = setUpSealing()
    const stalled = kms.stall()
    const before = keys.use(pair, idOf)
    keys.forget(pair.topicArn)
    const after = keys.use(pair, idOf)
    stalled.release()
    await before
    await after
    // The later use asked for itself: by Decrypt, since the first one's key was stored.
    assert.equal(kms.calls.length, 2)
  })
})

suite('a remembered refusal', () => {
  test('does not keep the failed call in memory', async () => {
    const { keys, kms, pair } = setUpSealing()
    let call: WeakRef<FailingCall> | undefined
    kms.generateDataKey = async () => {
      const failing = new FailingCall()
      call = new WeakRef(failing)
      return failing.run()
    }
    await assert.rejects(keys.use(pair, idOf), { code: 'KMS_DISABLED' })
    // A WeakRef keeps its object until the current task has ended.
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    assert.equal(call?.deref(), undefined)
    await assert.rejects(keys.use(pair, idOf), { code: 'KMS_DISABLED' })
  })
})

class FailingCall {
  run(): never {
    throw new FakeKmsError('KMS_DISABLED')
  }
}

function collectGarbage(): void {
  setFlagsFromString('--expose_gc')
  runInNewContext('gc')()
}
