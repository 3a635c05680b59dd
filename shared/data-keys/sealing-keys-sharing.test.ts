/** Sealing keys beside other gateways: whose key it is, who waits for whom, and what becomes of it when the store fails. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { FakeKmsError } from './fake-data-key-source.ts'
import { idOf, setUpSealing } from './testing/sealing-stage.ts'

suite('use(), with other gateways', () => {
  test('lets one gateway of ten ask for the key and the others decrypt it', async () => {
    const { kms, pair, gateway } = setUpSealing()
    const ids = await Promise.all(Array.from({ length: 10 }, () => gateway().use(pair, idOf)))
    assert.equal(new Set(ids).size, 1)
    assert.equal(kms.count('GenerateDataKey'), 1)
    assert.deepEqual(
      kms.calls.filter((call) => call.operation === 'Decrypt').map((call) => call.purpose),
      Array.from({ length: 9 }, () => 'share'),
    )
  })

  test('ends a shared key by the time of its issue, not of its arrival', async () => {
    const { keys, clock, pair, gateway } = setUpSealing()
    const first = await keys.use(pair, idOf)
    clock.advance(200_000)
    const other = gateway()
    assert.equal(await other.use(pair, idOf), first)
    clock.advance(99_999)
    assert.equal(await other.use(pair, idOf), first)
    clock.advance(1)
    assert.notEqual(await other.use(pair, idOf), first)
  })

  test('ends a shared key on time by a clock that is behind', async () => {
    const { keys, clock, pair, gateway } = setUpSealing()
    const late = createFakeClock(clock.now() - 4_000)
    const other = gateway({ clock: late })
    const pass = (ms: number) => {
      clock.advance(ms)
      late.advance(ms)
    }
    const first = await keys.use(pair, idOf)
    pass(10_000)
    assert.equal(await other.use(pair, idOf), first)
    pass(289_999)
    assert.equal(await other.use(pair, idOf), first)
    pass(1)
    assert.notEqual(await other.use(pair, idOf), first)
  })

  test('keeps to its own shorter reuse period', async () => {
    const { keys, clock, pair, gateway } = setUpSealing()
    const first = await keys.use(pair, idOf)
    const other = gateway({ reuseMs: 60_000 })
    clock.advance(50_000)
    assert.equal(await other.use(pair, idOf), first)
    clock.advance(10_000)
    assert.notEqual(await other.use(pair, idOf), first)
  })

  test('does not decrypt a key that is about to expire', async () => {
    const { keys, kms, clock, pair, gateway } = setUpSealing()
    await keys.use(pair, idOf)
    clock.advance(298_001)
    await gateway().use(pair, idOf)
    assert.equal(kms.count('Decrypt'), 0)
    assert.equal(kms.count('GenerateDataKey'), 2)
  })

  test('decrypts a key with two seconds left', async () => {
    const { keys, kms, clock, pair, gateway } = setUpSealing()
    await keys.use(pair, idOf)
    clock.advance(298_000)
    await gateway().use(pair, idOf)
    assert.equal(kms.count('Decrypt'), 1)
  })

  test('takes over at once when the gateway that asks is refused', async () => {
    const { keys, kms, pair, gateway } = setUpSealing()
    kms.fail('GenerateDataKey', new FakeKmsError('KMS_ACCESS_DENIED'))
    const stalled = kms.stall()
    const refused = assert
      .rejects(keys.use(pair, idOf), { code: 'KMS_ACCESS_DENIED' })
      .then(() => kms.fail('GenerateDataKey', undefined))
    const taken = gateway({ onPause: stalled.release }).use(pair, idOf)
    await refused
    await taken
    assert.equal(kms.count('GenerateDataKey'), 2)
  })

  test('waits four seconds for the gateway that asks, then fails so that the publish may be tried again', async () => {
    const { keys, kms, clock, pair, gateway } = setUpSealing()
    const stalled = kms.stall()
    const asking = keys.use(pair, idOf)
    const startedAt = clock.now()
    await assert.rejects(gateway().use(pair, idOf), { code: 'DATA_KEY_UNAVAILABLE', retryable: true })
    assert.equal(clock.now() - startedAt, 4_000)
    stalled.release()
    await asking
    assert.equal(kms.calls.length, 1)
  })

  test('issues a key when the stored one cannot be decrypted any more', async () => {
    for (const code of ['KMS_DISABLED', 'KMS_NOT_FOUND', 'KMS_ACCESS_DENIED', 'KMS_INTEGRITY']) {
      const { keys, kms, pair, gateway } = setUpSealing()
      const first = await keys.use(pair, idOf)
      kms.fail('Decrypt', new FakeKmsError(code))
      assert.notEqual(await gateway().use(pair, idOf), first)
      assert.deepEqual([kms.count('GenerateDataKey'), kms.count('Decrypt')], [2, 1], code)
    }
  })

  test('issues none when the stored one cannot be decrypted now', async () => {
    const { keys, kms, pair, gateway } = setUpSealing()
    await keys.use(pair, idOf)
    kms.fail('Decrypt', new FakeKmsError('KMS_THROTTLING', { retryable: true }))
    await assert.rejects(gateway().use(pair, idOf), { code: 'KMS_THROTTLING' })
    assert.equal(kms.count('GenerateDataKey'), 1)
  })

  test('does not rely on a record from the future or with a longer life than was ever promised', async () => {
    const { keys, kms, store, clock, pair, gateway } = setUpSealing()
    await keys.use(pair, idOf)
    const genuine = (await store.read(pair))?.record
    assert.ok(genuine !== undefined)
    const bad = [
      { issuedAt: clock.now() + 5_001, notAfter: clock.now() + 305_001 },
      { issuedAt: clock.now(), notAfter: clock.now() + 300_001 },
      { issuedAt: clock.now() - 400_000, notAfter: clock.now() + 300_000 },
    ]
    for (const times of bad) {
      store.put(pair, { ...genuine, ...times })
      await gateway().use(pair, idOf)
    }
    assert.equal(kms.count('Decrypt'), 0)
    assert.equal(kms.count('GenerateDataKey'), 1 + bad.length)
  })

  test('uses a key from a clock slightly ahead for no longer than its own reuse period', async () => {
    const { keys, kms, store, clock, pair, gateway } = setUpSealing()
    await keys.use(pair, idOf)
    const genuine = (await store.read(pair))?.record
    assert.ok(genuine !== undefined)
    store.put(pair, { ...genuine, issuedAt: clock.now() + 4_000, notAfter: clock.now() + 304_000 })
    const other = gateway()
    const shared = await other.use(pair, idOf)
    assert.equal(kms.count('Decrypt'), 1)
    clock.advance(299_999)
    assert.equal(await other.use(pair, idOf), shared)
    clock.advance(1)
    assert.notEqual(await other.use(pair, idOf), shared)
  })
})

suite('use(), when the lock comes late', () => {
  test('gives KMS only the time that is left, and zeroes a key that comes later', async () => {
    const { kms, store, clock, pair, gateway } = setUpSealing()
    const token = (await store.lock(pair, 5_000)) ?? assert.fail()
    const startedAt = clock.now()
    const stalled = kms.stall()
    const onPause = () => {
      if (clock.now() - startedAt >= 3_900) store.unlock(pair, token)
    }
    const waitedSince = performance.now()
    await assert.rejects(gateway({ onPause }).use(pair, idOf), { code: 'DATA_KEY_UNAVAILABLE' })
    // Of 4.5 s the simulated clock has used up 3.9.
    assert.ok(performance.now() - waitedSince < 2_000)
    stalled.release()
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(kms.handedOut.length === 1 && kms.handedOut.every((plaintext) => plaintext.every((byte) => byte === 0)))
  })
})

suite('use(), when the store fails', () => {
  test('asks KMS for nothing while records cannot be read or locks taken', async () => {
    for (const operation of ['read', 'lock'] as const) {
      const { keys, kms, store, pair } = setUpSealing()
      store.fail(operation, new FakeKmsError('REDIS_UNAVAILABLE', { retryable: true }))
      await assert.rejects(keys.use(pair, idOf), { code: 'REDIS_UNAVAILABLE' })
      assert.equal(kms.calls.length, 0)
    }
  })

  test('keeps and uses an issued key that could not be stored, and says so', async () => {
    const { keys, kms, store, pair, storeFailures } = setUpSealing()
    const failure = new FakeKmsError('REDIS_UNAVAILABLE')
    store.fail('write', failure)
    const first = await keys.use(pair, idOf)
    assert.equal(await keys.use(pair, idOf), first)
    assert.equal(kms.calls.length, 1)
    assert.deepEqual(storeFailures, [failure])
  })

  test('tells why KMS refused even when the lock cannot be released', async () => {
    const { keys, kms, store, pair, storeFailures } = setUpSealing()
    const failure = new FakeKmsError('REDIS_UNAVAILABLE')
    store.fail('unlock', failure)
    kms.fail('GenerateDataKey', new FakeKmsError('KMS_DISABLED'))
    await assert.rejects(keys.use(pair, idOf), { code: 'KMS_DISABLED' })
    assert.deepEqual(storeFailures, [failure])
  })
})
