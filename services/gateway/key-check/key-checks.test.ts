import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { KeyToCheck } from './check-key.ts'
import { createKeyChecks } from './key-checks.ts'

suite('createKeyChecks()', () => {
  test('runs one check at a time, in order, and none before request() has returned', async () => {
    const { checks, begun, finish, verdicts } = setup()
    for (const name of ['a', 'b', 'c']) checks.request(key(name))
    assert.equal(begun.length, 0)
    for (const [at, name] of ['a', 'b', 'c'].entries()) {
      await turns()
      assert.equal(begun.length, at + 1)
      assert.equal(begun[at]?.topicArn, name)
      finish()
    }
    await turns()
    assert.deepEqual(verdicts, ['a', 'b', 'c'])
    checks.request(key('d'))
    await turns()
    finish()
    await turns()
    assert.deepEqual(verdicts, ['a', 'b', 'c', 'd'])
  })

  test('drops what finds a hundred waiting, but takes another key for a topic that waits', async () => {
    const { checks, begun, dropped, finish } = setup()
    for (let n = 0; n < 101; n++) checks.request(key(`t${n}`))
    assert.deepEqual(dropped, ['t100'])
    checks.request({ ...key('t0'), keyId: 'another' })
    assert.deepEqual(dropped, ['t100'])
    await turns()
    assert.equal(begun[0]?.keyId, 'another')
    finish()
    await turns()
    checks.request(key('later'))
    assert.deepEqual(dropped, ['t100'])
  })

  test('goes on after a check that failed', async () => {
    const { checks, failures, fail, finish, verdicts } = setup()
    checks.request(key('a'))
    checks.request(key('b'))
    await turns()
    fail(new Error('a mistake'))
    await turns()
    finish()
    await turns()
    assert.equal(failures.length, 1)
    assert.deepEqual(verdicts, ['b'])
  })

  test('ends the check that runs, forgets those that wait and takes no more when it is disposed of', async () => {
    const { checks, begun, signals, verdicts, failures, fail } = setup()
    checks.request(key('a'))
    checks.request(key('b'))
    await turns()
    signals[0]?.addEventListener('abort', () => fail(new Error('aborted')))
    await checks[Symbol.asyncDispose]()
    checks.request(key('c'))
    await turns()
    assert.deepEqual([begun.length, verdicts, failures], [1, [], []])
  })
})

function setup() {
  const begun: KeyToCheck[] = []
  const signals: AbortSignal[] = []
  const verdicts: string[] = []
  const dropped: string[] = []
  const failures: unknown[] = []
  let current = Promise.withResolvers<void>()
  const checks = createKeyChecks({
    async check(o, signal) {
      begun.push(o)
      signals.push(signal)
      current = Promise.withResolvers()
      await current.promise
      return { kind: 'usable' }
    },
    onVerdict: ({ topicArn }) => verdicts.push(topicArn),
    onDropped: ({ topicArn }) => dropped.push(topicArn),
    onFailure: (error) => failures.push(error),
  })
  return {
    checks,
    begun,
    signals,
    verdicts,
    dropped,
    failures,
    finish: () => current.resolve(),
    fail: (error: Error) => current.reject(error),
  }
}

function key(topicArn: string): KeyToCheck {
  return { topicArn, keyId: 'key', principal: 'somebody' }
}

/** Enough for whatever is ready to run. */
async function turns(): Promise<void> {
  for (let n = 0; n < 3; n++) await new Promise(setImmediate)
}
