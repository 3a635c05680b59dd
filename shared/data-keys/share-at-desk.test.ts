import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { createFakeDataKeySource, FakeKmsError } from './fake-data-key-source.ts'
import { createKeyDesk, type KeyDesk } from './key-desk.ts'
import { shareAtDesk } from './share-at-desk.ts'
import { idOf, setUpSealing } from './testing/sealing-stage.ts'

const reuseMs = 300_000

suite('shareAtDesk()', () => {
  test('has ten threads of a gateway ask KMS for a key once, and never decrypt it', async () => {
    const { kms, clock, pair, gateway } = setUpSealing()
    const desk = createKeyDesk({ keepMs: 300_000 })
    const threads = Array.from({ length: 10 }, () => gateway({ kms: shareAtDesk(kms, { desk, clock, reuseMs }) }))
    const ids = await Promise.all(threads.map((thread) => thread.use(pair, idOf)))
    assert.equal(new Set(ids).size, 1)
    assert.deepEqual(
      kms.calls.map((call) => call.operation),
      ['GenerateDataKey'],
    )
  })

  test('has the threads of two gateways make one Decrypt more', async () => {
    const { kms, clock, pair, gateway } = setUpSealing()
    const desks = [1, 2].map(() => createKeyDesk({ keepMs: 300_000 }))
    const threads = desks.flatMap((desk) =>
      [1, 2, 3].map(() => gateway({ kms: shareAtDesk(kms, { desk, clock, reuseMs }) })),
    )
    const ids = await Promise.all(threads.map((thread) => thread.use(pair, idOf)))
    assert.equal(new Set(ids).size, 1)
    assert.equal(kms.count('GenerateDataKey'), 1)
    assert.equal(kms.count('Decrypt'), 1)
  })

  test('leaves every plaintext that KMS gave zeroed, whoever uses the key', async () => {
    const { kms, clock, pair, gateway } = setUpSealing()
    const desk = createKeyDesk({ keepMs: 300_000 })
    for (const thread of [1, 2].map(() => gateway({ kms: shareAtDesk(kms, { desk, clock, reuseMs }) })))
      await thread.use(pair, idOf)
    assert.equal(kms.handedOut.length, 1)
    for (const plaintext of kms.handedOut) assert.ok(plaintext.every((byte) => byte === 0))
  })

  test('gives a key to nobody but the publisher and topic it was issued for', async () => {
    const { kms, call, shared } = await setUp()
    await shared.decrypt(call)
    assert.equal(kms.count('Decrypt'), 0)
    await shared.decrypt({ ...call, principal: 'another' })
    await assert.rejects(shared.decrypt({ ...call, topicArn: 'another' }), { code: 'KMS_INTEGRITY' })
    assert.equal(kms.count('Decrypt'), 2)
  })

  test('asks KMS for each who waits after it refused, and once it works for one', async () => {
    const { kms, source, call } = await setUp()
    const shared = shareAtDesk(source, { desk: createKeyDesk({ keepMs: 300_000 }), clock: createFakeClock(), reuseMs })
    kms.fail('Decrypt', new FakeKmsError('KMS_ACCESS_DENIED'))
    const outcomes = await Promise.allSettled([shared.decrypt(call), shared.decrypt(call)])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    kms.fail('Decrypt', undefined)
    const first = await shared.decrypt(call)
    assert.deepEqual(await shared.decrypt(call), first)
    assert.equal(kms.count('Decrypt'), 3)
  })
})

suite('shareAtDesk(), at its desk', () => {
  test('hands out a new key once all would find it', async () => {
    const { desk, events, arrived } = listeningDesk()
    const kms = createFakeDataKeySource()
    const shared = shareAtDesk(kms, { desk, clock: createFakeClock(), reuseMs })
    const call = { keyId: 'alias/orders', topicArn: 'orders', principal: 'alice', purpose: 'issue' as const }
    const issued = shared.generateDataKey(call).then(() => events.push('handed out'))
    await new Promise((resolve) => setImmediate(resolve))
    arrived.resolve()
    await issued
    assert.deepEqual(events, ['300000 ms', 'handed out'])
  })

  test('leaves a stored key there for what is left of its life', async () => {
    const { desk, events, arrived } = listeningDesk()
    arrived.resolve()
    const { source, call } = await setUp()
    const clock = createFakeClock()
    await shareAtDesk(source, { desk, clock, reuseMs }).decrypt({ ...call, expiresAt: clock.now() + 1_234 })
    assert.deepEqual(events, ['1234 ms'])
  })

  test('zeroes a key that it cannot bring, and gives up', async () => {
    const { desk, events, arrived } = listeningDesk()
    arrived.reject(new Error('the desk is gone'))
    const { kms, source, call } = await setUp()
    const shared = shareAtDesk(source, { desk, clock: createFakeClock(), reuseMs })
    await assert.rejects(shared.decrypt(call), /gone/)
    const { topicArn, principal } = call
    await assert.rejects(shared.generateDataKey({ topicArn, principal, keyId: 'x', purpose: 'issue' }), /gone/)
    assert.deepEqual(events, ['300000 ms', 'gave up', '300000 ms'])
    for (const plaintext of kms.handedOut.slice(1)) assert.ok(plaintext.every((byte) => byte === 0))
    assert.equal(kms.handedOut.length, 3)
  })
})

/** Has no key, and takes one when `arrived` says so. */
function listeningDesk() {
  const events: string[] = []
  const arrived = Promise.withResolvers<void>()
  const desk: KeyDesk = {
    find: async () => undefined,
    async bring(_name, _key, forMs) {
      events.push(`${forMs} ms`)
      await arrived.promise
    },
    giveUp: () => void events.push('gave up'),
  }
  return { desk, events, arrived }
}

async function setUp() {
  const kms = createFakeDataKeySource()
  const shared = shareAtDesk(kms, { desk: createKeyDesk({ keepMs: reuseMs }), clock: createFakeClock(), reuseMs })
  const of = { topicArn: 'orders', principal: 'alice' }
  const { encryptedDataKey, keyArn } = await shared.generateDataKey({ ...of, keyId: 'alias/orders', purpose: 'issue' })
  return { kms, source: kms, shared, call: { ...of, encryptedDataKey, keyArn, purpose: 'share' as const } }
}
