import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { suite, test } from 'node:test'
import { createBodyReader } from './read-body.ts'

const MIB = 1024 * 1024

suite('readBody()', () => {
  test('returns the bytes as they came, in one piece or several', async () => {
    const readBody = createBodyReader({ budgetBytes: 256 * 1024 * 1024 })
    for (const pieces of [[], ['one'], ['one', 'two', 'three']]) {
      const result = await readBody(requestOf(pieces))
      assert.equal(result.kind === 'whole' && result.body.toString(), pieces.join(''))
    }
  })

  test('takes a mebibyte and not a byte more', async () => {
    const readBody = createBodyReader({ budgetBytes: 256 * 1024 * 1024 })
    assert.equal((await readBody(requestOf(['x'.repeat(MIB)]))).kind, 'whole')
    assert.equal((await readBody(requestOf(['x'.repeat(MIB), 'x']))).kind, 'too-long')
  })

  test('answers before the end of a body that has none', async () => {
    const request = new PassThrough()
    const result = createBodyReader({ budgetBytes: 256 * 1024 * 1024 })(request as unknown as IncomingMessage)
    const writing = setInterval(() => request.write('x'.repeat(MIB)))
    assert.equal((await result).kind, 'too-long')
    clearInterval(writing)
    assert.ok(request.isPaused())
  })

  test('tells a body that broke off', async () => {
    const request = new PassThrough()
    const result = createBodyReader({ budgetBytes: 256 * 1024 * 1024 })(request as unknown as IncomingMessage)
    request.write('half')
    request.destroy()
    assert.deepEqual(await result, { kind: 'aborted' })
  })

  test('refuses what goes beyond the budget of all, until others are released', async () => {
    const readBody = createBodyReader({ budgetBytes: 100 })
    const first = await readBody(requestOf(['x'.repeat(60)]))
    assert.equal((await readBody(requestOf(['x'.repeat(41)]))).kind, 'overloaded')
    assert.equal((await readBody(requestOf(['x'.repeat(20), 'x'.repeat(21)]))).kind, 'overloaded')
    const second = await readBody(requestOf(['x'.repeat(40)]))
    assert.deepEqual([first.kind, second.kind], ['whole', 'whole'])
    assert.equal((await readBody(requestOf(['x']))).kind, 'overloaded')
    if (first.kind === 'whole') {
      first.release()
      first.release()
    }
    assert.equal((await readBody(requestOf(['x'.repeat(61)]))).kind, 'overloaded')
    assert.equal((await readBody(requestOf(['x'.repeat(60)]))).kind, 'whole')
  })

  test('gives back what it held of a body that broke off or was too long', async () => {
    const readBody = createBodyReader({ budgetBytes: 2 * MIB })
    for (let n = 0; n < 5; n++) {
      const request = new PassThrough()
      const result = readBody(request as unknown as IncomingMessage)
      request.write('x'.repeat(MIB))
      request.destroy()
      assert.equal((await result).kind, 'aborted')
      assert.equal((await readBody(requestOf(['x'.repeat(MIB), 'x']))).kind, 'too-long')
    }
    assert.equal((await readBody(requestOf(['x'.repeat(MIB)]))).kind, 'whole')
  })
})

function requestOf(pieces: readonly string[]): IncomingMessage {
  const stream = new PassThrough()
  for (const piece of pieces) stream.write(piece)
  stream.end()
  return stream as unknown as IncomingMessage
}
