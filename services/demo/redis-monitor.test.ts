import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseMessageEntry } from './redis-monitor.ts'

suite('parseMessageEntry()', () => {
  test('reads an XADD with escaped quotes and binary', () => {
    const line = String.raw`1700000000.123456 [0 127.0.0.1:5000] "XADD" "sealcast:{p:3}:stream" "*" "id" "m-1" "body" "SC\x01\"\\\x00"`
    const [[id, entry] = []] = parseMessageEntry(line)
    assert.equal(id, 'm-1')
    assert.equal(entry?.stream, 'sealcast:{p:3}:stream')
    assert.equal(entry?.fields.get('body'), String.raw`SC\x01\"\\\x00`)
  })

  test('passes over other commands', () => {
    assert.deepEqual(parseMessageEntry('1700000000.1 [0 127.0.0.1:5000] "hgetall" "x"'), [])
  })
})
