import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readsOf } from './metric-names.ts'

suite('readsOf()', () => {
  const cases: readonly [expression: string, metrics: readonly string[], grouped?: readonly string[]][] = [
    ['a:b:rate5m', ['a:b:rate5m']],
    ['sum(rate(a_total[$__rate_interval]))', ['a_total']],
    ['sum by (le, topic) (rate(a_bucket{x="by (z)", y=~"b|c"}[5m]))', ['a_bucket'], ['le', 'topic']],
    ['sum(a) by (job)', ['a'], ['job']],
    ['max by (node) (a) / on (node) group_left (x) (b > 0)', ['a', 'b'], ['node', 'x']],
    ['clamp_min(a * 2628000 - $free, 0) * $usd / 1e4', ['a']],
    ['a unless on () b offset 5m', ['a', 'b']],
    ['time() - process_start_time_seconds{job=~"sealcast-.+"}', ['process_start_time_seconds']],
    ['a > bool 1 or vector(0)', ['a']],
    ['topk(10, sort_desc(a))', ['a']],
    ["a{x='it\\'s b'} + a", ['a']],
  ]
  for (const [expression, metrics, grouped = []] of cases) {
    test(`finds ${metrics.join(' and ')} in ${expression}`, () => {
      const reads = readsOf(expression)
      assert.deepEqual(reads.metrics, metrics)
      assert.deepEqual([...reads.grouped], grouped)
    })
  }

  test('tells which labels a selector matches', () => {
    const { matched } = readsOf('a{code!="ok",action=~"x|y"} / a{job="z"} + b')
    assert.deepEqual([...(matched.get('a') ?? [])], ['code', 'action', 'job'])
    assert.deepEqual([...(matched.get('b') ?? [])], [])
  })
})
