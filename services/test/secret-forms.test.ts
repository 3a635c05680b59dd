import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { findSecrets } from './secret-forms.ts'

const bytes = fc.uint8Array({ minLength: 1, maxLength: 50 }).map((array) => Buffer.from(array))
const body = 'three "crates"\nof ünïcode & more'

suite('findSecrets()', () => {
  test('finds what is written as bytes, base64, base64url and hex, whatever is around it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 64 }), bytes, bytes, (secret, before, behind) => {
        const around = Buffer.concat([before, secret, behind])
        for (const encoding of ['latin1', 'base64', 'base64url', 'hex'] as const) {
          const written = Buffer.from(around.toString(encoding), encoding === 'latin1' ? 'latin1' : 'utf8')
          assert.ok(finds(Buffer.from(secret), written), encoding)
        }
      }),
    )
  })

  for (const [form, written] of [
    ['a URL', `https://host/?m=${encodeURIComponent(body)}`],
    ['a form', new URLSearchParams({ Message: body }).toString()],
    ['JSON', JSON.stringify({ message: body })],
    ['JSON within JSON', JSON.stringify({ line: JSON.stringify({ message: body }) })],
    ['a serialised buffer', JSON.stringify(Buffer.from(body))],
    ['an inspected buffer', inspect(Buffer.from(body))],
  ] as const) {
    test(`finds a body in ${form}`, () => {
      assert.ok(finds(Buffer.from(body), Buffer.from(written)))
    })
  }

  test('finds nothing in what does not hold it', () => {
    assert.ok(!finds(randomBytes(32), randomBytes(100_000)))
    assert.ok(!finds(Buffer.from(body), Buffer.from('three crates of unicode')))
  })
})

function finds(secret: Buffer, written: Buffer): boolean {
  return findSecrets([{ name: 'secret', bytes: secret }], [{ name: 'file', bytes: written }]).length > 0
}
