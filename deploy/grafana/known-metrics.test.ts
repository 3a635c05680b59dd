import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { panelExpressions } from './expressions.ts'
import { readsOf } from './metric-names.ts'

/** What Prometheus makes itself, with the labels it gives. */
const OF_PROMETHEUS = new Map([
  ['up', ['job', 'instance']],
  ['ALERTS', ['alertname', 'alertstate', 'severity']],
])
/** Of a scrape, on every series. */
const SCRAPED = ['job', 'instance']

const prometheus = join(import.meta.dirname, '..', 'prometheus')
const expressions = panelExpressions({ range: '1h', rateInterval: '1m' })

suite('the expressions of the dashboards', () => {
  test('read metrics that are documented, recording rules, and what Prometheus makes itself', () => {
    const { documented, families } = documentedMetrics()
    const rules = recordingRules()
    assert.ok(documented.size > 50 && rules.size >= 10)
    const unknown = expressions.flatMap(({ dashboard, panel, expression }) =>
      readsOf(expression)
        .metrics.filter(
          (name) =>
            !rules.has(name) &&
            !OF_PROMETHEUS.has(name) &&
            !documented.has(name) &&
            !families.some((family) => name.startsWith(family)),
        )
        .map((name) => `${dashboard}, ${panel}: ${name}`),
    )
    assert.deepEqual(unknown, [])
  })

  test('show that something is not well where one process alone says so', () => {
    for (const { dashboard, panel, expression } of expressions) {
      assert.doesNotMatch(
        expression,
        /\bmax( by \(\w+\))? ?\(sealcast_redis_(up|aof_enabled|persistence_ok)\b/,
        `${dashboard}, ${panel}`,
      )
    }
  })

  test('match labels that the metric has', () => {
    const { documented } = documentedMetrics()
    for (const { dashboard, panel, expression } of expressions) {
      for (const [name, labels] of readsOf(expression).matched) {
        const has = OF_PROMETHEUS.get(name) ?? documented.get(name)
        if (has === undefined) continue
        for (const label of labels) {
          assert.ok([...has, ...SCRAPED].includes(label), `${dashboard}, ${panel}: ${name}{${label}}`)
        }
      }
    }
  })

  test('group by labels that one of their metrics has', () => {
    const { documented } = documentedMetrics()
    for (const { dashboard, panel, expression } of expressions) {
      const { metrics, grouped } = readsOf(expression)
      // A rule's labels are in its own expression.
      if (metrics.some((name) => name.includes(':'))) continue
      const has = metrics.flatMap((name) => OF_PROMETHEUS.get(name) ?? documented.get(name) ?? [])
      for (const label of grouped) {
        assert.ok([...has, ...SCRAPED].includes(label), `${dashboard}, ${panel}: by (${label})`)
      }
    }
  })
})

/** The table of METRICS.md: each name, and those of a histogram's series, with their labels. */
function documentedMetrics(): { documented: Map<string, string[]>; families: string[] } {
  const documented = new Map<string, string[]>()
  const families: string[] = []
  const rows = readFileSync(join(prometheus, 'METRICS.md'), 'utf8').matchAll(
    /^\| `([a-z_]+\*?)` \| (\w*) ?\| ([^|]*)\|/gm,
  )
  for (const [, name = '', type = '', cell = ''] of rows) {
    const labels = [...cell.matchAll(/`(\w+)`/g)].map(([, label = '']) => label)
    if (name.endsWith('*')) families.push(name.slice(0, -1))
    else if (type === 'histogram') {
      documented.set(`${name}_bucket`, [...labels, 'le'])
      for (const suffix of ['sum', 'count']) documented.set(`${name}_${suffix}`, labels)
    } else documented.set(name, labels)
  }
  return { documented, families }
}

function recordingRules(): Set<string> {
  const files = globSync('rules/*.yml', { cwd: prometheus })
  const names = files.flatMap((file) =>
    [...readFileSync(join(prometheus, file), 'utf8').matchAll(/^\s*- record: (\S+)$/gm)].map(([, name = '']) => name),
  )
  return new Set(names)
}
