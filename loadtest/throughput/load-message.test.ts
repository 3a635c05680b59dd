import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { LEAST_MESSAGE_BYTES, makeLoadMessage, readMarker } from './load-message.ts'

suite('makeLoadMessage()', () => {
  test('is JSON of exactly the length, and tells its number and time', () => {
    fc.assert(
      fc.property(
        fc.record({ number: fc.nat(10_000_000), dueMs: fc.nat(86_400_000) }, { noNullPrototype: true }),
        fc.integer({ min: LEAST_MESSAGE_BYTES, max: 5_000 }),
        (marker, bytes) => {
          const message = makeLoadMessage(marker, bytes)
          assert.equal(Buffer.byteLength(message), bytes)
          assert.equal(typeof JSON.parse(message).id, 'string')
          assert.deepEqual(readMarker(Buffer.from(message)), marker)
          // Inside the envelope of an ordinary notification.
          const envelope = JSON.stringify({ Type: 'Notification', TopicArn: 'arn:aws:sns:x:1:load', Message: message })
          assert.deepEqual(readMarker(Buffer.from(envelope)), marker)
        },
      ),
    )
  })

  test('is another one for each number', () => {
    const messages = Array.from({ length: 2_000 }, (_, number) => makeLoadMessage({ number, dueMs: 0 }, 200))
    assert.equal(new Set(messages.map((message) => message.slice(40))).size, messages.length)
  })

  test('is as hard to encode as what applications publish', () => {
    const message = makeLoadMessage({ number: 1, dueMs: 1 }, 1024)
    const encoded = message.replace(/[A-Za-z0-9_.~-]/g, '').length
    assert.ok(encoded > 80 && encoded < 160, `${encoded}`)
  })
})

suite('readMarker()', () => {
  test('finds none where there is none', () => {
    for (const body of ['', '{}', 'load:', 'load:12', 'load:x:1:', 'load:1:2', 'load:1:-2:']) {
      assert.equal(readMarker(Buffer.from(body)), undefined, body)
    }
  })
})
