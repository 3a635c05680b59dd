import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { histogram, median, percentile, spread } from './statistics.ts'

suite('median()', () => {
  test('is the middle value whatever the order, or the mean of the two in the middle', () => {
    assert.equal(median([9, 1, 5]), 5)
    assert.equal(median([10, 9, 100, 1]), 9.5)
    assert.equal(median([7]), 7)
    assert.ok(Number.isNaN(median([])))
  })

  test('leaves what it was given in order', () => {
    const values = [3, 1, 2]
    median(values)
    assert.deepEqual(values, [3, 1, 2])
  })
})

suite('percentile()', () => {
  test('is the nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index)
    assert.equal(percentile(values, 0.5), 50)
    assert.equal(percentile(values, 0.99), 99)
    assert.equal(percentile(values, 1), 100)
    assert.equal(percentile([1, 2, 3], 0.5), 2)
    assert.equal(percentile([1, 2, 3], 0.01), 1)
    assert.ok(Number.isNaN(percentile([], 0.5)))
  })

  test('refuses a share that is none', () => {
    for (const share of [0, -1, 1.1, Number.NaN]) assert.throws(() => percentile([1], share), RangeError)
  })
})

suite('spread()', () => {
  test('is the range over the median', () => assert.equal(spread([90, 100, 120]), 0.3))
})

suite('histogram()', () => {
  test('counts every value once, in bounds that double', () => {
    assert.deepEqual(histogram([0.1, 1, 2, 2.5, 9], 1), [
      { upTo: 1, count: 2 },
      { upTo: 2, count: 1 },
      { upTo: 4, count: 1 },
      { upTo: 8, count: 0 },
      { upTo: 16, count: 1 },
    ])
    assert.deepEqual(histogram([], 1), [])
  })
})
