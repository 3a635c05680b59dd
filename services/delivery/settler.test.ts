import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RedisOutcomeUnknownError } from '#shared/redis'
import { LeaseLostError } from '#shared/stream-log'
import { createSettler } from './settler.ts'

suite('createSettler()', () => {
  test('settles together what became ready together, and the rest with the next batch', async () => {
    const { settler, batches, answer } = setup()
    const first = [settler.settle('1-0'), settler.settle('2-0')]
    await turn()
    const second = settler.settle('3-0')
    const third = settler.settle('4-0')
    assert.deepEqual(batches, [['1-0', '2-0']])
    answer()
    await Promise.all(first)
    await turn()
    assert.deepEqual(batches, [
      ['1-0', '2-0'],
      ['3-0', '4-0'],
    ])
    answer()
    await Promise.all([second, third])
  })

  test('repeats a batch whose outcome is unknown', async () => {
    const { settler, batches, answer, fail } = setup()
    const settled = settler.settle('1-0')
    await turn()
    fail(new RedisOutcomeUnknownError('timed out'))
    while (batches.length < 2) await turn()
    assert.deepEqual(batches, [['1-0'], ['1-0']])
    answer()
    await settled
  })

  test('fails the batch when the lease is lost, and goes on with the next', async () => {
    const { settler, answer, fail } = setup()
    const lost = settler.settle('1-0')
    await turn()
    fail(new LeaseLostError(0))
    await assert.rejects(lost, { code: 'LEASE_LOST' })
    const next = settler.settle('2-0')
    await turn()
    answer()
    await next
  })

  test('does not wait for Redis once the lease is gone', async () => {
    const { settler, fail, gone } = setup()
    const settled = settler.settle('1-0')
    await turn()
    gone.abort()
    fail(new RedisOutcomeUnknownError('timed out'))
    await assert.rejects(settled, { code: 'REDIS_OUTCOME_UNKNOWN' })
  })
})

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function setup() {
  const batches: (readonly string[])[] = []
  let pending: PromiseWithResolvers<void> | undefined
  const gone = new AbortController()
  const settler = createSettler({
    lease: {
      settle(ids) {
        batches.push(ids)
        pending = Promise.withResolvers<void>()
        return pending.promise
      },
    },
    gone: gone.signal,
  })
  return {
    settler,
    batches,
    gone,
    answer: () => pending?.resolve(),
    fail: (error: Error) => pending?.reject(error),
  }
}
