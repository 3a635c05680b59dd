import assert from 'node:assert/strict'
import { generateKeyPairSync, verify } from 'node:crypto'
import { suite, test } from 'node:test'
import { createSign } from './sign.ts'

suite('createSign()', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const sign = createSign({ privateKey })
  const text = 'Message\nhé\nMessageId\n1\n'

  for (const [version, digest] of [
    ['1', 'sha1'],
    ['2', 'sha256'],
  ] as const) {
    test(`signs version ${version} with ${digest}`, async () => {
      const signature = await sign(version, text)
      assert.match(signature, /^[A-Za-z0-9+/]+={0,2}$/)
      assert.ok(verify(digest, Buffer.from(text, 'utf8'), publicKey, Buffer.from(signature, 'base64')))
    })
  }

  test('rejects when the key cannot sign', async () => {
    const { publicKey: wrong } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    await assert.rejects(createSign({ privateKey: wrong })('1', text))
  })
})
