import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { keys } from './index.ts'

suite('keys', () => {
  test('has the frozen names', () => {
    assert.equal(keys.metaKey, 'sealcast:meta')
    assert.equal(keys.streamKey(3), 'sealcast:{p:3}:stream')
    assert.equal(keys.leaseKey(3), 'sealcast:{p:3}:lease')
    assert.equal(keys.bodyKey(3, 'id'), 'sealcast:{p:3}:body:id')
    assert.equal(keys.quarantineKey(3), 'sealcast:{p:3}:quarantine')
    assert.equal(keys.retryPrefix(3), 'sealcast:{p:3}')
  })
})
