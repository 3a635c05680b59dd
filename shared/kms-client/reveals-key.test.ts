import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { revealsKey } from './reveals-key.ts'

const bytes = (maxLength: number, minLength = 0) =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array))
const key = bytes(32, 32)

const FORMS: Readonly<Record<string, (clear: Buffer) => Buffer>> = {
  'its bytes': (clear) => clear,
  hex: (clear) => Buffer.from(clear.toString('hex')),
  'hex in capitals': (clear) => Buffer.from(clear.toString('hex').toUpperCase()),
  base64: (clear) => Buffer.from(clear.toString('base64')),
  base64url: (clear) => Buffer.from(clear.toString('base64url')),
  'base64 in short lines': (clear) => Buffer.from(clear.toString('base64').replace(/.{20}/g, '$&\r\n')),
}

suite('revealsKey()', () => {
  for (const [name, write] of Object.entries(FORMS)) {
    test(`finds the key in ${name}, alone and among other bytes, at any alignment`, () => {
      fc.assert(
        fc.property(key, bytes(40), bytes(40), (secret, before, behind) => {
          assert.ok(revealsKey(write(secret), secret))
          assert.ok(revealsKey(write(Buffer.concat([before, secret, behind])), secret))
          assert.ok(
            revealsKey(Buffer.concat([before, Buffer.from('{"'), write(secret), Buffer.from('"}'), behind]), secret),
          )
        }),
      )
    })
  }

  test('finds nothing in what does not hold it', () => {
    fc.assert(
      fc.property(key, bytes(6_144, 1), (secret, blob) => {
        assert.equal(revealsKey(blob, secret), blob.includes(secret))
      }),
    )
    const almost = randomBytes(32)
    const other = Buffer.from(almost)
    other.writeUInt8(other.readUInt8(31) ^ 1, 31)
    for (const write of Object.values(FORMS)) assert.ok(!revealsKey(write(almost), other))
  })

  test('leaves both as they are, also as views on shared memory', () => {
    const memory = randomBytes(200)
    const before = Buffer.from(memory)
    assert.ok(revealsKey(memory.subarray(10, 90), memory.subarray(20, 52)))
    assert.ok(!revealsKey(memory.subarray(60, 90), memory.subarray(20, 52)))
    assert.deepEqual(memory, before)
  })
})
