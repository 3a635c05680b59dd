import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeDataKeySource } from './fake-data-key-source.ts'
import { followRewraps } from './follow-rewraps.ts'
import type { RewrapStore } from './rewrap-store.ts'

const topicArn = 'arn:aws:sns:us-east-1:000000000000:orders'
const principal = 'arn:aws:iam::000000000000:user/alice'

suite('followRewraps()', () => {
  test('asks for the encrypted data key that stands in, by one call of the same purpose', async () => {
    const { kms, issue, find } = setup()
    const [old, current] = [await issue('old'), await issue('current')]
    const source = followRewraps(kms, {
      find: async (key) => (key.encryptedDataKey === old.encryptedDataKey ? find(current) : undefined),
    })
    kms.calls.length = 0
    const call = { ...old, topicArn, principal, purpose: 'reopen' as const }
    assert.deepEqual(await source.decrypt(call), current.plaintext)
    assert.deepEqual(kms.calls, [{ operation: 'Decrypt', purpose: 'reopen', keyId: current.keyArn, principal }])
  })

  test('asks for the message’s own where nothing stands in, and not at all when that cannot be told', async () => {
    const { kms, issue } = setup()
    const own = await issue('own')
    const call = { ...own, topicArn, principal, purpose: 'deliver' as const }
    assert.deepEqual(await followRewraps(kms, { find: async () => undefined }).decrypt(call), own.plaintext)
    kms.calls.length = 0
    const broken = { find: () => Promise.reject(new Error('no answer')) }
    await assert.rejects(followRewraps(kms, broken).decrypt(call), /no answer/)
    assert.deepEqual(kms.calls, [])
  })
})

function setup() {
  const kms = createFakeDataKeySource()
  type Issued = Awaited<ReturnType<typeof kms.generateDataKey>>
  return {
    kms,
    async issue(keyId: string): Promise<Issued> {
      const issued = await kms.generateDataKey({ keyId, topicArn, principal, purpose: 'issue' })
      return { ...issued, plaintext: Buffer.from(issued.plaintext) }
    },
    find: ({ encryptedDataKey, keyArn }: Issued): Awaited<ReturnType<RewrapStore['find']>> => ({
      encryptedDataKey,
      keyArn,
      rewrappedAt: 1,
    }),
  }
}
