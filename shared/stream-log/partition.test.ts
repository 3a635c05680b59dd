import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { partitionOf } from './index.ts'
import vectors from './vectors/entries.json' with { type: 'json' }

suite('partitionOf()', () => {
  test('has the frozen values', () => {
    for (const [topicArn, principal, partitions, expected] of vectors.partitions) {
      assert.equal(partitionOf(String(topicArn), String(principal), Number(partitions)), expected)
    }
  })

  test('gives a partition that exists, always the same', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.integer({ min: 1, max: 4096 }), (topicArn, principal, partitions) => {
        const partition = partitionOf(topicArn, principal, partitions)
        assert.ok(Number.isInteger(partition) && partition >= 0 && partition < partitions)
        assert.equal(partitionOf(topicArn, principal, partitions), partition)
      }),
    )
  })

  test('keeps topic and principal apart', () => {
    assert.notEqual(partitionOf('ab', 'c', 4096), partitionOf('a', 'bc', 4096))
  })

  test('spreads pairs evenly', () => {
    const counts = new Array<number>(16).fill(0)
    const pairs = 16_000
    for (let n = 0; n < pairs; n++) {
      const at = partitionOf(
        `arn:aws:sns:us-east-1:000000000000:t${n % 40}`,
        `arn:aws:iam::000000000000:user/u${n}`,
        16,
      )
      counts[at] = (counts[at] ?? 0) + 1
    }
    // Chi-squared with 15 degrees of freedom: above 37.7 once in a thousand random functions; this one is fixed.
    const expected = pairs / 16
    const chiSquared = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    assert.ok(chiSquared < 37.7, String(chiSquared))
  })
})
