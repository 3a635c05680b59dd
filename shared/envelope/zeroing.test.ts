/** The buffers of key bytes that deriving a data key makes, caught where they are handed to node:crypto. */

import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { suite, type TestContext, test } from 'node:test'
import { deriveDataKey } from './index.ts'

suite('deriveDataKey()', () => {
  test('zeroes the encryption key once it is imported', (t) => {
    const { imported, originals } = catchImports(t)
    const { encryptionKey } = deriveDataKey(Buffer.alloc(16, 1), Buffer.alloc(32, 2))
    assert.equal(imported.length, 1)
    assert.deepEqual(encryptionKey.export(), originals[0])
    assert.notDeepEqual(originals[0], Buffer.alloc(32))
    assert.deepEqual(imported[0], Buffer.alloc(32))
  })

  test('zeroes it when it cannot be imported', (t) => {
    const { imported } = catchImports(t, new Error('no room'))
    assert.throws(() => deriveDataKey(Buffer.alloc(16, 1), Buffer.alloc(32, 2)), /no room/)
    assert.deepEqual(imported, [Buffer.alloc(32)])
  })
})

function catchImports(t: TestContext, failure?: Error) {
  const imported: Buffer[] = []
  const originals: Buffer[] = []
  const { createSecretKey } = crypto
  t.mock.method(crypto, 'createSecretKey', (key: Buffer) => {
    imported.push(key)
    originals.push(Buffer.from(key))
    if (failure !== undefined) throw failure
    return createSecretKey(key)
  })
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  return { imported, originals }
}
