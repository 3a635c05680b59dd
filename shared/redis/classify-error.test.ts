import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BrokerError } from '#shared/errors'
import { classifyError, connectionError } from './classify-error.ts'
import { RedisUnavailableError } from './errors.ts'

suite('classifyError()', () => {
  test('tells never sent, outcome unknown and lost read apart', () => {
    const notSent = new Error("Stream isn't writeable and enableOfflineQueue options is false")
    assert.equal(codeOf(notSent, { writes: true }), 'REDIS_UNAVAILABLE')
    const losses = [
      named('MaxRetriesPerRequestError', 'Reached the max retries'),
      named('AbortError', 'Command aborted due to connection close'),
      named('ParserError', 'bad byte'),
      new Error('Connection is closed.'),
      new Error('Command timed out'),
      new Error('Socket timeout. Expecting data'),
      Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }),
    ]
    for (const loss of losses) {
      assert.equal(codeOf(loss, { writes: true }), 'REDIS_OUTCOME_UNKNOWN', loss.message)
      assert.equal(codeOf(loss, { writes: false }), 'REDIS_UNAVAILABLE', loss.message)
    }
  })

  test('tells refusals, failed sign-in and faults of ours apart by the first word of the answer', () => {
    for (const word of 'OOM MISCONF READONLY LOADING BUSY NOREPLICAS MASTERDOWN CLUSTERDOWN TRYAGAIN MOVED ASK'.split(
      ' ',
    ))
      assert.equal(codeOf(replyError(`${word} something`), { writes: true }), 'REDIS_REFUSED', word)
    for (const word of ['NOAUTH', 'WRONGPASS', 'NOPERM'])
      assert.equal(codeOf(replyError(`${word} something`), { writes: true }), 'REDIS_AUTHENTICATION_FAILED', word)
    for (const word of ['WRONGTYPE', 'NOGROUP'])
      assert.equal(codeOf(replyError(`${word} something`), { writes: true }), 'REDIS_FOREIGN_DATA', word)
    for (const text of ['ERR syntax error', 'CROSSSLOT Keys', '', 'lower'])
      assert.equal(codeOf(replyError(text), { writes: true }), 'REDIS_REPLY_ERROR', text)
  })

  test('drops the command with its arguments, which hold bodies', () => {
    const command = { name: 'xadd', args: ['plaintext'] }
    for (const error of [
      replyError('OOM x'),
      replyError('ERR x'),
      new Error('Command timed out'),
      new Error('new one'),
    ]) {
      const classified = classifyError(Object.assign(error, { command }), { writes: true })
      assert.ok(classified instanceof BrokerError)
      assert.equal('command' in classified, false)
      assert.equal(classified.cause, undefined)
    }
  })

  test('cuts the arguments that an unknown command is answered with', () => {
    const classified = classifyError(replyError("ERR unknown command 'x', with args beginning with: 'plaintext'"), {
      writes: true,
    })
    assert.ok(classified instanceof BrokerError && !classified.message.includes('plaintext'))
  })

  test('leaves errors of the caller alone', () => {
    const own = new RedisUnavailableError('x')
    const bug = new TypeError('x is not a function')
    for (const error of [own, bug, 'text', undefined]) assert.equal(classifyError(error, { writes: true }), error)
  })
})

suite('connectionError()', () => {
  test('makes a broker error of anything', () => {
    assert.equal(connectionError(new Error('self-signed certificate')).code, 'REDIS_UNAVAILABLE')
    assert.equal(connectionError(replyError('WRONGPASS invalid')).code, 'REDIS_AUTHENTICATION_FAILED')
    assert.equal(connectionError('text').code, 'REDIS_UNAVAILABLE')
  })
})

function codeOf(error: Error, o: { writes: boolean }): string {
  const classified = classifyError(error, o)
  assert.ok(classified instanceof BrokerError, error.message)
  return classified.code
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}

function replyError(message: string): Error {
  return named('ReplyError', message)
}
