import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeDataKeySource, FakeKmsError } from './fake-data-key-source.ts'
import { createKeyDesk } from './key-desk.ts'
import { shareAtDesk } from './share-at-desk.ts'
import { idOf, setUpSealing } from './testing/sealing-stage.ts'

suite('shareAtDesk()', () => {
  test('has ten threads of a gateway ask KMS for a key once, and never decrypt it', async () => {
    const { kms, pair, gateway } = setUpSealing()
    const desk = createKeyDesk({ keepMs: 300_000 })
    const threads = Array.from({ length: 10 }, () => gateway({ kms: shareAtDesk(kms, desk) }))
    const ids = await Promise.all(threads.map((thread) => thread.use(pair, idOf)))
    assert.equal(new Set(ids).size, 1)
    assert.deepEqual(
      kms.calls.map((call) => call.operation),
      ['GenerateDataKey'],
    )
  })

  test('has the threads of two gateways make one Decrypt more', async () => {
    const { kms, pair, gateway } = setUpSealing()
    const desks = [1, 2].map(() => createKeyDesk({ keepMs: 300_000 }))
    const threads = desks.flatMap((desk) => [1, 2, 3].map(() => gateway({ kms: shareAtDesk(kms, desk) })))
    const ids = await Promise.all(threads.map((thread) => thread.use(pair, idOf)))
    assert.equal(new Set(ids).size, 1)
    assert.equal(kms.count('GenerateDataKey'), 1)
    assert.equal(kms.count('Decrypt'), 1)
  })

  test('leaves every plaintext that KMS gave zeroed, whoever uses the key', async () => {
    const { kms, pair, gateway } = setUpSealing()
    const desk = createKeyDesk({ keepMs: 300_000 })
    for (const thread of [1, 2].map(() => gateway({ kms: shareAtDesk(kms, desk) }))) await thread.use(pair, idOf)
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

  test('asks KMS again, one at a time, after it refused', async () => {
    const { kms, source, call } = await setUp()
    const shared = shareAtDesk(source, createKeyDesk({ keepMs: 300_000 }))
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

async function setUp() {
  const kms = createFakeDataKeySource()
  const shared = shareAtDesk(kms, createKeyDesk({ keepMs: 300_000 }))
  const of = { topicArn: 'orders', principal: 'alice' }
  const { encryptedDataKey, keyArn } = await shared.generateDataKey({ ...of, keyId: 'alias/orders', purpose: 'issue' })
  return { kms, source: kms, shared, call: { ...of, encryptedDataKey, keyArn, purpose: 'share' as const } }
}
