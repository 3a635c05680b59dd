import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { watchActivePairs } from './watch-active-pairs.ts'

suite('watchActivePairs()', () => {
  test('looks at once and then again, never twice at the same time', async (t) => {
    const { counts, answer, tick, asked } = setup(t)
    assert.equal(asked(), 1)
    await tick()
    assert.equal(asked(), 1)
    await answer(3)
    await tick()
    assert.equal(asked(), 2)
    await answer(4)
    assert.deepEqual(counts, [3, 4])
  })

  test('keeps to the last count while Redis is gone, until none of those counted can be left', async (t) => {
    const { counts, answer, tick, clock } = setup(t)
    await answer(3)
    for (const ageMs of [1_000, 299_000]) {
      clock.advance(ageMs)
      await tick()
      await answer(new Error('gone'))
      assert.deepEqual(counts, [3])
    }
    clock.advance(1)
    await tick()
    await answer(new Error('gone'))
    assert.deepEqual(counts, [3, 0])
  })
})

function setup(t: { mock: typeof import('node:test').mock; after: (fn: () => void) => void }) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const clock = createFakeClock()
  const counts: number[] = []
  let asked = 0
  let waiting = Promise.withResolvers<number>()
  const settled = async () => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  }
  const watch = watchActivePairs({
    count() {
      asked++
      waiting = Promise.withResolvers()
      return waiting.promise
    },
    clock,
    reuseMs: 300_000,
    onCount: (pairs) => counts.push(pairs),
  })
  t.after(() => watch[Symbol.dispose]())
  return {
    clock,
    counts,
    asked: () => asked,
    async answer(with_: number | Error) {
      if (with_ instanceof Error) waiting.reject(with_)
      else waiting.resolve(with_)
      await settled()
    },
    async tick() {
      t.mock.timers.tick(1_000)
      await settled()
    },
  }
}
