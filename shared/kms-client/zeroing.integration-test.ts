/**
 * Plaintexts in the SDK's own buffers, caught as the SDK hands its answers over, on every way an answer can go. The
 * KMS is an HTTP server that answers whatever a test wants.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { KMSClient } from '@aws-sdk/client-kms'
import { createKmsClient } from './index.ts'

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:orders'
const KEY_ARN = 'arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const PLAINTEXT = Buffer.alloc(32, 5)
const DEADLINE_MS = 300

suite('the plaintext in an answer', () => {
  test('is zeroed once it was copied into memory of its own', async (t) => {
    const { generate, decrypt, caught } = await setup(t, {})
    for (const plaintext of [(await generate()).plaintext, await decrypt()]) {
      assert.deepEqual(plaintext, PLAINTEXT)
      assert.equal(plaintext.buffer.byteLength, PLAINTEXT.byteLength)
    }
    assertZeroed(caught, 2)
  })

  for (const [what, members] of [
    ['for another key', { KeyId: KEY_ARN.replace('1234abcd', '00000000') }],
    ['for no key', { KeyId: undefined }],
    ['with a data key too short', { Plaintext: Buffer.alloc(16, 5).toString('base64') }],
    ['with a data key too long', { Plaintext: Buffer.alloc(64, 5).toString('base64') }],
    ['without a ciphertext', { CiphertextBlob: undefined }],
    ['with an empty ciphertext', { CiphertextBlob: '' }],
    ['with a ciphertext longer than any of KMS', { CiphertextBlob: Buffer.alloc(6145).toString('base64') }],
    ['with the data key for a ciphertext', { CiphertextBlob: PLAINTEXT.toString('base64') }],
    [
      'with the data key in base64 for a ciphertext',
      { CiphertextBlob: Buffer.from(PLAINTEXT.toString('base64')).toString('base64') },
    ],
  ] as const) {
    test(`${what} is refused and zeroed`, async (t) => {
      const { generate, caught } = await setup(t, members)
      await assert.rejects(generate(), { code: 'KMS_INTEGRITY' })
      assertZeroed(caught, 1)
    })
  }

  test('to Decrypt of another key, or of another length, is refused and zeroed', async (t) => {
    for (const members of [
      { KeyId: KEY_ARN.replace('1234abcd', '00000000') },
      { Plaintext: Buffer.alloc(33, 5).toString('base64') },
    ]) {
      const { decrypt, caught } = await setup(t, members)
      await assert.rejects(decrypt(), { code: 'KMS_INTEGRITY' })
      assertZeroed(caught, 1)
    }
  })

  test('that nobody waits for any more is zeroed', async (t) => {
    const released = Promise.withResolvers<void>()
    const { generate, caught } = await setup(t, {}, { holdBack: released.promise })
    await assert.rejects(generate(), { code: 'KMS_UNAVAILABLE' })
    released.resolve()
    while (caught.length === 0) await sleep(10)
    await sleep(0)
    assertZeroed(caught, 1)
  })
})

function assertZeroed(caught: readonly Uint8Array[], count: number): void {
  assert.equal(caught.length, count)
  for (const bytes of caught) assert.ok(bytes.byteLength > 0 && bytes.every((byte) => byte === 0))
}

/** @param o.holdBack the SDK's answer is handed over only then, deadline or not */
async function setup(t: TestContext, members: Readonly<Record<string, unknown>>, o: { holdBack?: Promise<void> } = {}) {
  const answer = JSON.stringify({
    KeyId: KEY_ARN,
    Plaintext: PLAINTEXT.toString('base64'),
    CiphertextBlob: Buffer.alloc(128, 6).toString('base64'),
    ...members,
  })
  const server = createServer((_request, response) => response.end(answer)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const caught: Uint8Array[] = []
  const { send } = KMSClient.prototype
  t.mock.method(KMSClient.prototype, 'send', async function (this: KMSClient, ...args: Parameters<typeof send>) {
    const output: { Plaintext?: Uint8Array } = Object(await send.apply(this, args))
    await o.holdBack
    if (output.Plaintext !== undefined) {
      assert.ok(output.Plaintext.some((byte) => byte !== 0))
      caught.push(output.Plaintext)
    }
    return output
  })
  const client = createKmsClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credential: { accessKeyId: 'SCBRTEST000000000000', secretAccessKey: 'x'.repeat(40) },
    observe: () => {},
    deadlineMs: DEADLINE_MS,
  })
  t.after(async () => {
    t.mock.restoreAll()
    await client[Symbol.asyncDispose]()
    server.closeAllConnections()
    server.close()
  })
  const ask = { topicArn: TOPIC, principal: 'arn:aws:iam::000000000000:user/ada' }
  return {
    caught,
    generate: () => client.generateDataKey({ ...ask, keyId: KEY_ARN, purpose: 'issue' }),
    decrypt: () =>
      client.decrypt({ ...ask, encryptedDataKey: Buffer.alloc(128, 6), keyArn: KEY_ARN, purpose: 'deliver' }),
  }
}
