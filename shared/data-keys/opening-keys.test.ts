import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { type EnvelopeContext, open, seal } from '#shared/envelope'
import { createFakeDataKeySource, FakeKmsError } from './fake-data-key-source.ts'
import { createFakeDataKeyStore } from './fake-data-key-store.ts'
import { createOpeningKeys, type SealedDataKey } from './opening-keys.ts'
import { createSealingKeys } from './sealing-keys.ts'

suite('obtain()', () => {
  test('gives the key that opens what was sealed', async () => {
    const { keys, sealed, envelope, context } = await setup()
    assert.equal(open(envelope, { dataKey: await keys.obtain(sealed), context }).toString(), 'body')
  })

  test('asks KMS once for 1,000 concurrent and later uses, on behalf of the publisher', async () => {
    const { keys, kms, sealed, lookups } = await setup()
    await Promise.all(Array.from({ length: 1_000 }, () => keys.obtain(sealed)))
    await keys.obtain(sealed)
    assert.deepEqual(kms.calls, [
      { operation: 'Decrypt', purpose: 'deliver', keyId: sealed.keyArn, principal: sealed.principal },
    ])
    assert.deepEqual(lookups, [...Array.from({ length: 1_000 }, () => 'miss'), 'hit'])
  })

  test('keeps a key for ten minutes after its last use', async () => {
    const { keys, kms, clock, sealed } = await setup()
    for (const step of [0, 599_999, 599_999]) {
      clock.advance(step)
      await keys.obtain(sealed)
    }
    assert.equal(kms.calls.length, 1)
    clock.advance(600_000)
    await keys.obtain(sealed)
    assert.equal(kms.calls.length, 2)
  })

  test('keeps a key that is always in use for one hour', async () => {
    const { keys, kms, clock, sealed } = await setup()
    for (let minute = 0; minute < 60; minute++) {
      await keys.obtain(sealed)
      clock.advance(60_000)
    }
    assert.equal(kms.calls.length, 1)
    await keys.obtain(sealed)
    assert.equal(kms.calls.length, 2)
  })

  test('does not keep a key for longer when the clock was set back', async () => {
    const { keys, kms, clock, sealed } = await setup()
    clock.advance(1_800_000)
    await keys.obtain(sealed)
    clock.advance(-5_000)
    await keys.obtain(sealed)
    assert.equal(kms.calls.length, 1)
    clock.advance(-5_001)
    await keys.obtain(sealed)
    await keys.obtain(sealed)
    assert.equal(kms.calls.length, 2)
  })

  test('drops the key used longest ago when there are too many', async () => {
    const { keys, kms, sealed, another } = await setup({ capacity: 2 })
    const [second, third] = [await another(), await another()]
    kms.calls.length = 0
    for (const used of [sealed, second, sealed, third, sealed]) await keys.obtain(used)
    assert.equal(kms.calls.length, 3)
    await keys.obtain(second)
    assert.equal(kms.calls.length, 4)
  })

  test('tells how many it holds, without those that nobody has used for long', async () => {
    const { keys, clock, sealed, another } = await setup()
    const second = await another()
    await keys.obtain(sealed)
    clock.advance(300_000)
    await keys.obtain(second)
    assert.equal(keys.count(), 2)
    clock.advance(300_000)
    assert.equal(keys.count(), 1)
  })

  test('says that it asks for a key again when it had let go of it, and not when KMS had refused', async () => {
    const { keys, kms, clock, sealed, another } = await setup()
    kms.fail('Decrypt', new FakeKmsError('KMS_UNAVAILABLE'))
    await assert.rejects(async () => keys.obtain(sealed), { code: 'KMS_UNAVAILABLE' })
    kms.fail('Decrypt', undefined)
    await keys.obtain(sealed)
    clock.advance(600_000)
    await keys.obtain(sealed)
    const purposes = kms.calls.map(({ purpose }) => purpose)
    assert.deepEqual(purposes, ['deliver', 'deliver', 'reopen'])
    await keys.obtain(await another())
    assert.equal(kms.calls.at(-1)?.purpose, 'deliver')
  })

  test('asks for a probe with a purpose of its own, and keeps what it opened', async () => {
    const { keys, kms, sealed } = await setup()
    assert.equal(keys.find(sealed), undefined)
    const opened = await keys.obtain(sealed, { purpose: 'probe' })
    assert.equal(keys.find(sealed), opened)
    assert.equal(keys.obtain(sealed), opened)
    assert.deepEqual(
      kms.calls.map(({ purpose }) => purpose),
      ['probe'],
    )
  })

  test('keeps a key for no other id, KMS key, topic or principal', async () => {
    const { keys, kms, sealed } = await setup()
    await keys.obtain(sealed)
    await keys.obtain({ ...sealed, principal: 'other' })
    const altered = await keys.obtain({ ...sealed, dataKeyId: Buffer.alloc(16) })
    assert.equal(kms.calls.length, 3)
    assert.notDeepEqual(altered.commitment, (await keys.obtain(sealed)).commitment)
    for (const part of ['keyArn', 'topicArn'] as const) {
      await assert.rejects(async () => keys.obtain({ ...sealed, [part]: 'other' }), { code: 'KMS_INTEGRITY' })
    }
  })

  test('asks again after every failure', async () => {
    const { keys, kms, sealed } = await setup()
    for (const code of ['KMS_UNAVAILABLE', 'KMS_THROTTLING', 'KMS_ACCESS_DENIED', 'KMS_DISABLED', 'KMS_NOT_FOUND']) {
      kms.fail('Decrypt', new FakeKmsError(code))
      await assert.rejects(async () => keys.obtain(sealed), { code })
    }
    kms.fail('Decrypt', undefined)
    await keys.obtain(sealed)
    assert.equal(kms.calls.length, 6)
  })

  test('tells all who wait why it failed', async () => {
    const { keys, kms, sealed } = await setup()
    kms.fail('Decrypt', new FakeKmsError('KMS_DISABLED'))
    const results = await Promise.allSettled([keys.obtain(sealed), keys.obtain(sealed), keys.obtain(sealed)])
    assert.ok(results.every((result) => result.status === 'rejected' && result.reason.code === 'KMS_DISABLED'))
    assert.equal(kms.calls.length, 1)
  })

  test('remembers for an hour an encrypted key that is not genuine, and nothing else by it', async () => {
    const { keys, kms, clock, sealed } = await setup()
    const forged: SealedDataKey = { ...sealed, encryptedDataKey: Buffer.alloc(184, 9) }
    for (let attempt = 0; attempt < 10; attempt++)
      await assert.rejects(async () => keys.obtain(forged), { code: 'KMS_INTEGRITY' })
    assert.equal(kms.calls.length, 1)
    await keys.obtain(sealed)
    assert.equal(kms.calls.length, 2)
    clock.advance(3_600_000)
    await assert.rejects(async () => keys.obtain(forged), { code: 'KMS_INTEGRITY' })
    assert.equal(kms.calls.length, 3)
  })

  test('zeroes the plaintext, also of a key with an impossible id', async () => {
    const { keys, kms, sealed } = await setup()
    kms.handedOut.length = 0
    await keys.obtain(sealed)
    await assert.rejects(async () => keys.obtain({ ...sealed, dataKeyId: Buffer.alloc(15) }), {
      code: 'DATA_KEY_MALFORMED',
    })
    assert.equal(kms.handedOut.length, 2)
    for (const plaintext of kms.handedOut) assert.ok(plaintext.every((byte) => byte === 0))
  })
})

async function setup({ capacity = 10_000 }: { capacity?: number } = {}) {
  const clock = createFakeClock()
  const kms = createFakeDataKeySource()
  const store = createFakeDataKeyStore({ clock })
  const sealingKeys = createSealingKeys({ kms, store, clock, reuseMs: 300_000, onLookup: () => {} })
  const lookups: string[] = []
  const keys = createOpeningKeys({ kms, clock, onLookup: (result) => lookups.push(result), capacity })
  const topicArn = 'arn:aws:sns:us-east-1:000000000000:orders'
  const principal = 'arn:aws:iam::000000000000:user/alice'
  const context: EnvelopeContext = { topicArn, messageId: 'm', principal, header: { attributes: [], acceptedAt: 0 } }
  const sealOne = (configuredKeyId: string) =>
    sealingKeys.use({ topicArn, principal, configuredKeyId }, ({ dataKey, encryptedDataKey, keyArn }) => ({
      envelope: seal(Buffer.from('body'), { dataKey, context }),
      sealed: { encryptedDataKey, keyArn, dataKeyId: dataKey.id, topicArn, principal },
    }))
  const { envelope, sealed } = await sealOne('alias/orders')
  kms.calls.length = 0
  let others = 0
  const another = async () => (await sealOne(`alias/other-${++others}`)).sealed
  return { clock, kms, keys, lookups, sealed, envelope, context, another }
}
