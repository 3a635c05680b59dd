import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type ScheduleOptions, schedule } from './schedule.ts'

const BASE: ScheduleOptions = {
  arrivals: 'constant',
  perSecond: 100,
  seconds: 20,
  generator: 0,
  generators: 1,
  seed: 1,
}

suite('schedule()', () => {
  test('spaces requests evenly, by the clock', () => {
    const due = [...schedule({ ...BASE, perSecond: 4, seconds: 1 })]
    assert.deepEqual(due, [
      { number: 0, dueMs: 0 },
      { number: 1, dueMs: 250 },
      { number: 2, dueMs: 500 },
      { number: 3, dueMs: 750 },
    ])
  })

  test('is one schedule however many generators share it', () => {
    const alone = [...schedule(BASE)]
    const shared = [0, 1, 2].flatMap((generator) => [...schedule({ ...BASE, generator, generators: 3 })])
    assert.deepEqual(
      shared.sort((a, b) => a.number - b.number),
      alone,
    )
  })

  test('at random keeps the rate, gives no number twice, and is the same for a seed', () => {
    const of = (seed: number) =>
      [0, 1].flatMap((generator) => [
        ...schedule({ ...BASE, arrivals: 'poisson', perSecond: 500, generator, generators: 2, seed }),
      ])
    const due = of(3)
    // Of 10,000 expected the standard deviation is 100.
    assert.ok(due.length > 9_500 && due.length < 10_500, `${due.length}`)
    assert.equal(new Set(due.map(({ number }) => number)).size, due.length)
    assert.ok(due.every(({ dueMs }) => dueMs >= 0 && dueMs < 20_000))
    assert.deepEqual(of(3), due)
    assert.notDeepEqual(of(4), due)
  })

  test('at random has gaps as long and as short as independent publishers make', () => {
    const due = [...schedule({ ...BASE, arrivals: 'poisson', perSecond: 500 })].map(({ dueMs }) => dueMs)
    const gaps = due.slice(1).map((at, index) => at - (due[index] ?? 0))
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)
    // Of an exponential distribution both are the same.
    assert.ok(Math.abs(deviation / mean - 1) < 0.1, `${deviation / mean}`)
  })
})
