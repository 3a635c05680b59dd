import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { inTime } from './in-time.ts'

suite('inTime()', () => {
  test('gives the answer, or the error, of a call that ends in time', async (t) => {
    const { bounded, discarded } = setup(t)
    assert.equal(await bounded(Promise.resolve('answer')), 'answer')
    await assert.rejects(bounded(Promise.reject(new Error('refused'))), { message: 'refused' })
    t.mock.timers.tick(1_000)
    assert.deepEqual(discarded, [])
  })

  test('throws at the deadline, and discards what comes after', async (t) => {
    const { bounded, discarded } = setup(t)
    const call = Promise.withResolvers<string>()
    const outcome = assert.rejects(bounded(call.promise), { message: 'too late' })
    t.mock.timers.tick(100)
    await outcome
    call.resolve('late')
    await call.promise
    assert.deepEqual(discarded, ['late'])
  })

  test('lets a call fail that nobody waits for any more', async (t) => {
    const { bounded } = setup(t)
    const call = Promise.withResolvers<string>()
    const outcome = assert.rejects(bounded(call.promise), { message: 'too late' })
    t.mock.timers.tick(100)
    await outcome
    call.reject(new Error('refused, and unhandled if nobody looks'))
  })
})

function setup(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const discarded: string[] = []
  const bounded = (call: Promise<string>) =>
    inTime(call, {
      withinMs: 100,
      tooLate: () => new Error('too late'),
      discard: (late) => discarded.push(late),
    })
  return { bounded, discarded }
}
