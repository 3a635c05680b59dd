import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createFrameSplitter, readCommand } from './resp-frames.ts'

const aBulk = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))
const aCommand = fc.array(aBulk, { minLength: 1, maxLength: 5 })
const aReply: fc.Arbitrary<Buffer> = fc.letrec<{ reply: Buffer }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 3 },
    fc
      .constantFrom('+OK\r\n', '-ERR no\r\n', ':42\r\n', '$-1\r\n', '*-1\r\n', '*0\r\n')
      .map((text) => Buffer.from(text)),
    aBulk.map(encodeBulk),
    fc
      .array(tie('reply'), { maxLength: 4 })
      .map((replies) => Buffer.concat([Buffer.from(`*${replies.length}\r\n`), ...replies])),
  ),
})).reply

suite('createFrameSplitter()', () => {
  test('gives back every frame, however the bytes come', () => {
    fc.assert(
      fc.property(fc.array(aReply, { maxLength: 6 }), fc.integer({ min: 1, max: 30 }), (replies, step) => {
        const bytes = Buffer.concat(replies)
        const split = createFrameSplitter()
        const frames: Buffer[] = []
        for (let at = 0; at < bytes.length; at += step) frames.push(...split(bytes.subarray(at, at + step)))
        assert.deepEqual(frames, replies)
      }),
    )
  })

  test('refuses what is not RESP 2', () => {
    assert.throws(() => createFrameSplitter()(Buffer.from('%1\r\n')))
    assert.throws(() => createFrameSplitter()(Buffer.from('$x\r\n')))
  })
})

suite('readCommand()', () => {
  test('gives the parts of a command', () => {
    fc.assert(
      fc.property(aCommand, (parts) => {
        assert.deepEqual(readCommand(encodeCommand(parts)), parts)
      }),
    )
  })
})

function encodeBulk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')])
}

function encodeCommand(parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...parts.map(encodeBulk)])
}
