import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { scaleRules, THRESHOLDS } from './scale-rules.ts'

const root = join(import.meta.dirname, '..', '..')
const rules = globSync('deploy/prometheus/rules/*.yml', { cwd: root })
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n')

suite('scaleRules()', () => {
  test('divides windows, offsets and waits, and nothing else', () => {
    const text = '  expr: rate(a[5m]) > 5 unless a offset 15m\n        for: 10m\n        summary: wait 10m [x]\n'
    assert.equal(
      scaleRules(text, 20),
      '  expr: rate(a[15000ms]) > 5 unless a offset 45000ms\n        for: 30000ms\n        summary: wait 10m [x]\n',
    )
  })

  test('finds each threshold in the rules, and leaves no window of theirs as it was', () => {
    for (const [rule] of THRESHOLDS) assert.ok(rules.includes(rule), rule)
    const scaled = scaleRules(rules, 20)
    assert.doesNotMatch(scaled, /\[\d+[smhd]\]|offset \d+[smhd]\b|^ +for: \d+[smhd]$/m)
    assert.equal(
      scaled.match(/\d+ms/g)?.length,
      rules.match(/\[\d+[smhd]\]|offset \d+[smhd]|for: \d+[smhd]$/gm)?.length,
    )
  })
})
