import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { readMetricsPage } from './metrics-page.ts'
import { compareMetrics, readMetricsTable } from './metrics-table.ts'

const TABLE = `
# Metrics

| name | type | labels | processes | meaning | mirrors |
|---|---|---|---|---|---|
| \`sealcast_things_total\` | counter | \`outcome\`, \`kind\` | gateway, delivery | Things (a \\| b). | |
| \`sealcast_depth\` | gauge | | delivery | Depth. | SNS |
| \`nodejs_*\` | | \`service\` | gateway, delivery | Node's own. | |
`

const THINGS = `# HELP sealcast_things_total Things.
# TYPE sealcast_things_total counter
sealcast_things_total{kind="a {\\"b\\"}",outcome="ok"} 3
# LABELS sealcast_things_total kind outcome
`
const NODE = '# HELP nodejs_lag Lag.\n# TYPE nodejs_lag gauge\nnodejs_lag{service="x"} 0.5\n'
const DEPTH = '# HELP sealcast_depth Depth.\n# TYPE sealcast_depth gauge\nsealcast_depth 0\n'

suite('compareMetrics()', () => {
  test('finds nothing where table and pages agree', () => {
    assert.deepEqual(compare(TABLE, THINGS + NODE, THINGS + DEPTH + NODE), [])
  })

  const faults: { what: string; table?: string; gateway?: string; delivery?: string; found: string[] }[] = [
    {
      what: 'a metric that nobody documented',
      gateway: THINGS + DEPTH + NODE,
      found: ['sealcast_depth of gateway is not documented'],
    },
    {
      what: 'a documented metric that is missing',
      gateway: NODE,
      found: ['sealcast_things_total is documented of gateway and not exposed'],
    },
    {
      what: 'a prefix that no metric has',
      delivery: THINGS + DEPTH,
      found: ['nodejs_* is documented of delivery and not exposed'],
    },
    {
      what: 'another type',
      table: TABLE.replace('| gauge |', '| histogram |'),
      found: ['sealcast_depth of delivery is a gauge, documented as histogram'],
    },
    {
      what: 'other labels, also where there is no series yet',
      gateway: THINGS.replace(/^sealcast_.*\n/m, '').replace(' kind outcome', ' kind reason') + NODE,
      found: ['sealcast_things_total of gateway has the labels kind, reason, documented are kind, outcome'],
    },
    {
      what: 'labels that the page itself does not name',
      delivery: THINGS + DEPTH.replace('sealcast_depth 0', 'sealcast_depth{queue="a"} 0') + NODE,
      found: ['sealcast_depth of delivery says (none), a series has queue'],
    },
    {
      what: 'a metric without labels and without a series',
      delivery: THINGS + DEPTH.replace('sealcast_depth 0\n', '') + NODE,
      found: ['sealcast_depth of delivery has no series'],
    },
    {
      what: 'a second row',
      table: `${TABLE}| \`sealcast_depth\` | gauge | | delivery | Depth. | |\n`,
      found: ['sealcast_depth has two rows'],
    },
    {
      what: 'a process that is none',
      table: TABLE.replace('| delivery |', '| worker |'),
      found: ['sealcast_depth names worker, which is no process', 'sealcast_depth of delivery is not documented'],
    },
  ]
  for (const { what, table = TABLE, gateway = THINGS + NODE, delivery = THINGS + DEPTH + NODE, found } of faults) {
    test(`finds ${what}`, () => assert.deepEqual(compare(table, gateway, delivery), found))
  }
})

suite('readMetricsPage()', () => {
  test('reads the names, labels and values of any series', () => {
    const name = fc.stringMatching(/^[a-z][a-z_]{0,20}$/)
    const value = fc.string().map((text) => text.replaceAll('\n', ''))
    fc.assert(
      fc.property(
        name,
        fc.dictionary(name, value, { noNullPrototype: true }),
        fc.integer(),
        (metric, labels, total) => {
          const written = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`)
          const page = `# TYPE ${metric} gauge\n${metric}${written.length > 0 ? `{${written.join(',')}}` : ''} ${total}\n`
          const [series] = readMetricsPage(page).get(metric)?.series ?? []
          assert.deepEqual(Object.keys(series?.labels ?? {}), Object.keys(labels))
          assert.equal(series?.value, total)
        },
      ),
    )
  })
})

function compare(table: string, gateway: string, delivery: string): string[] {
  const pages = new Map([
    ['gateway', readMetricsPage(gateway)],
    ['delivery', readMetricsPage(delivery)],
  ])
  return compareMetrics(readMetricsTable(table), pages)
}
