import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { connectionLimit, descriptorLimit } from './connection-limit.ts'

suite('connectionLimit()', () => {
  test('is what is configured, unless descriptors are fewer', () => {
    const cases: [configured: number, descriptors: number, listeners: number, expected: number][] = [
      [20_000, Number.POSITIVE_INFINITY, 1, 20_000],
      [20_000, 65_536, 1, 20_000],
      [20_000, 20_000, 1, 19_872],
      [20_000, 20_000, 2, 9_936],
      [100, 1_024, 1, 100],
      [20_000, 128, 1, 64],
      [1, 1_024, 2, 1],
    ]
    for (const [configured, descriptors, listeners, expected] of cases) {
      assert.equal(connectionLimit({ configured, descriptors, listeners }), expected, String([configured, descriptors]))
    }
  })
})

suite('descriptorLimit()', () => {
  test('is a number of this process', () => {
    assert.ok(descriptorLimit() >= 64)
  })
})
