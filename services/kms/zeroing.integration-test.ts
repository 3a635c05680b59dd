/** Plaintexts and the keys of single ciphertexts, caught where the KMS hands them to ciphers or gets them from these. */

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { EVERYTHING } from './everything.ts'
import { openKeyStore } from './key-store.ts'
import type { Caller } from './key-use.ts'
import { readMembers } from './members.ts'
import { actionOf } from './operations.ts'

const PLACE = { account: '000000000000', region: 'us-east-1' }

suite('the KMS', () => {
  test('zeroes what it encrypts, decrypts and encrypts anew, and the keys it does that with', async (t) => {
    const { act, caught } = await setup(t)
    const { CiphertextBlob: generated } = await act('GenerateDataKey', { KeySpec: 'AES_256' })
    const { CiphertextBlob: encrypted } = await act('Encrypt', { Plaintext: Buffer.alloc(40, 7).toString('base64') })
    await act('GenerateDataKeyWithoutPlaintext', { KeySpec: 'AES_256' })
    await act('Decrypt', { CiphertextBlob: generated })
    await act('ReEncrypt', { CiphertextBlob: encrypted }, 'DestinationKeyId')
    // A plaintext and a key each; ReEncrypt both twice, of which the plaintext is one.
    assert.ok(caught.length >= 12, String(caught.length))
    for (const bytes of caught) assert.ok(bytes.every((byte) => byte === 0))
  })

  test('zeroes them also when the answer is an error', async (t) => {
    const { act, caught } = await setup(t)
    const { CiphertextBlob: blob } = await act('GenerateDataKey', { KeySpec: 'AES_256' })
    const altered = Buffer.from(String(blob), 'base64')
    altered.writeUInt8(altered.readUInt8(100) ^ 1, 100)
    caught.length = 0
    await assert.rejects(act('Decrypt', { CiphertextBlob: blob, DryRun: true }))
    await assert.rejects(act('Decrypt', { CiphertextBlob: altered.toString('base64') }))
    await assert.rejects(act('Decrypt', { CiphertextBlob: blob, EncryptionContext: { a: 'b' } }))
    assert.equal(caught.length, 6)
    for (const bytes of caught) assert.ok(bytes.every((byte) => byte === 0))
  })
})

async function setup(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'sealcast-zeroing-'))
  const keyStore = await openKeyStore({ dir, clock: createFakeClock(), onEvent: () => {} })
  t.after(async () => {
    await keyStore[Symbol.asyncDispose]()
    await rm(dir, { recursive: true })
  })
  const { arn } = await keyStore.createKey({ ...PLACE, description: 'test' })
  const arnOfUser = 'arn:aws:iam::000000000000:user/test'
  const subject = { kind: 'user', arn: arnOfUser, account: PLACE.account, policies: EVERYTHING } as const
  const caller: Caller = {
    ...{ ...PLACE, arn: arnOfUser, subject, viaService: false, conditions: new Map(), rule: 'own', isKnown: true },
  }
  return {
    caught: catchSecrets(t),
    /** @param keyMember the member that names the key */
    async act(operation: string, members: Readonly<Record<string, unknown>>, keyMember = 'KeyId') {
      const body = Buffer.from(JSON.stringify({ [keyMember]: arn, ...members }))
      const answer = await actionOf(operation)({
        operation,
        caller,
        keyStore,
        principalExists: () => true,
        readMembers: (read) => readMembers(body, read),
        note: () => {},
      })
      return answer ?? {}
    },
  }
}

/** Keys given to ciphers as bytes, plaintexts given to them, plaintexts they give. */
function catchSecrets(t: TestContext): Buffer[] {
  const caught: Buffer[] = []
  const { createCipheriv, createDecipheriv } = crypto
  const keep = (bytes: unknown) => {
    if (Buffer.isBuffer(bytes)) caught.push(bytes)
  }
  t.mock.method(crypto, 'createCipheriv', (...args: Parameters<typeof createCipheriv>) => {
    keep(args[1])
    const cipher = createCipheriv(...args)
    const update = cipher.update.bind(cipher)
    return Object.assign(cipher, {
      update(plaintext: Buffer) {
        keep(plaintext)
        return update(plaintext)
      },
    })
  })
  t.mock.method(crypto, 'createDecipheriv', (...args: Parameters<typeof createDecipheriv>) => {
    keep(args[1])
    const decipher = createDecipheriv(...args)
    const update = decipher.update.bind(decipher)
    return Object.assign(decipher, {
      update(ciphertext: Buffer) {
        const plaintext = update(ciphertext)
        keep(plaintext)
        return plaintext
      },
    })
  })
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  return caught
}
