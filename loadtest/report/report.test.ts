import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { chartSvg } from './chart-svg.ts'
import { formatHtml } from './format-html.ts'
import { formatTerminal } from './format-terminal.ts'
import { formatValue } from './format-value.ts'
import { type Chart, type LoadReport, REPORT_SCHEMA } from './load-report.ts'
import { keepReport } from './write-report.ts'

const HOSTILE = `<script>alert("1")</script>&'`

const CHART: Chart = {
  title: 'Rates',
  caption: 'What came.',
  x: { label: 'time', unit: 's' },
  y: { label: 'messages', unit: 'per second' },
  series: [
    {
      name: 'offered',
      form: 'dashed',
      points: [
        [0, 10],
        [1, 10],
        [2, 10],
        [3, 10],
      ],
    },
    {
      name: 'accepted',
      points: [
        [0, 9],
        [1, Number.NaN],
        [2, 8],
        [3, 7],
      ],
    },
  ],
  marks: [{ axis: 'x', at: 1, label: 'from here' }],
}

function report(o: Partial<LoadReport> = {}): LoadReport {
  return {
    schema: REPORT_SCHEMA,
    test: 'publish',
    command: 'npm run loadtest -- publish',
    startedAt: '2026-11-30T08:00:00.000Z',
    seconds: 12.3,
    machine: {
      cpu: 'CPU',
      cores: 2,
      memoryBytes: 2 ** 34,
      kernel: '6.1',
      os: 'Debian',
      loadAverage: 0.5,
      node: '24.21.0',
      openssl: '3',
      redis: '7.0.15',
      wrk: 'unknown',
      commit: 'abc',
    },
    title: 'Publishing',
    verdict: { outcome: 'failed', interrupted: true, reasons: ['3 messages were lost.'] },
    settings: [{ name: 'rate', value: '10/s' }],
    figures: [
      { name: 'achieved', value: 9.5, unit: 'per second', judged: 'bad', note: '95 %' },
      { name: 'unmeasured', value: Number.NaN, unit: 'ms' },
    ],
    latencies: [
      {
        name: 'publish',
        meaning: 'to the answer',
        count: 3,
        meanMs: 2,
        p50Ms: 1,
        p90Ms: 2,
        p99Ms: 3,
        p999Ms: 4,
        maxMs: 5,
      },
    ],
    errors: [{ code: 'ThrottledException', count: 1234 }],
    tables: [
      {
        title: 'Count',
        note: '',
        columns: [{ name: 'what' }, { name: 'bytes', unit: 'bytes' }],
        rows: [['held', 2 ** 20]],
      },
    ],
    charts: [CHART],
    notes: ['A note.'],
    ...o,
  }
}

/** The same with every text replaced. */
function hostile<T>(value: T): T {
  if (typeof value === 'string') return HOSTILE as T
  if (Array.isArray(value)) return value.map(hostile) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      // Words of ours, not texts.
      ['unit', 'scale', 'form', 'axis', 'judged', 'outcome', 'schema'].includes(name) ? each : hostile(each),
    ]),
  ) as T
}

suite('formatHtml()', () => {
  test('escapes every text that it is given', () => {
    const page = formatHtml(hostile(report()))
    assert.doesNotMatch(page, /<script|alert\("/)
    assert.ok(page.includes('&#60;script&#62;'))
    // Nor does a text end an attribute.
    assert.doesNotMatch(page, /&'/)
  })

  test('needs nothing from elsewhere, and runs nothing', () => {
    const page = formatHtml(report())
    assert.doesNotMatch(page, /<(script|link|img|iframe|object)|https?:|url\(|@import|\son\w+=/)
    assert.match(page, /Content-Security-Policy" content="default-src 'none'/)
  })

  test('shows verdict, figures, latencies, errors, tables and charts', () => {
    const page = formatHtml(report())
    for (const text of [
      'Failed.',
      'ended early',
      '3 messages were lost.',
      '9.5/s',
      '1,234',
      '1 MiB',
      'ThrottledException',
      'A note.',
      '10/s',
    ]) {
      assert.ok(page.includes(text), text)
    }
    assert.doesNotMatch(page, /NaN|undefined|\[object/)
  })

  test('is well formed where it counts: every element that is opened is closed', () => {
    const page = formatHtml(report()).replace(/<!doctype html>|<meta[^>]*>|<style>[\s\S]*<\/style>/g, '')
    const open: string[] = []
    for (const [, end, name = '', self] of page.matchAll(/<(\/?)([a-z0-9]+)[^>]*?(\/?)>/g)) {
      if (self === '/') continue
      if (end === '/') assert.equal(open.pop(), name)
      else open.push(name)
    }
    assert.deepEqual(open, [])
  })
})

suite('chartSvg()', () => {
  test('breaks a line where nothing was measured, and never writes NaN', () => {
    const svg = chartSvg(CHART, 'c')
    assert.doesNotMatch(svg, /NaN|Infinity/)
    const [, offered, accepted] = [...svg.matchAll(/<path class="c\d line[^"]*" d="([^"]*)"/g)]
      .map(([, d]) => d)
      .toSpliced(0, 0, '')
    assert.equal(offered?.match(/M/g)?.length, 1)
    assert.equal(accepted?.match(/M/g)?.length, 2)
  })

  test('tells the values of a place in a title, and those of the whole in a description', () => {
    const svg = chartSvg(CHART, 'c')
    assert.match(svg, /<title>2 s\noffered: 10\/s\naccepted: 8\/s<\/title>/)
    assert.match(
      svg,
      /<desc id="c-desc">What came\. offered: from 10\/s to 10\/s, between 10\/s and 10\/s\. accepted: from 9\/s to 7\/s/,
    )
    assert.match(svg, /role="img" aria-labelledby="c-title c-desc"/)
  })

  test('draws inside its frame whatever it is given', () => {
    const odd: [string, Chart][] = [
      ['nothing', { ...CHART, series: [], marks: [] }],
      ['no points', { ...CHART, series: [{ name: 'a', points: [] }], marks: [] }],
      ['one point', { ...CHART, series: [{ name: 'a', points: [[5, 5]] }], marks: [] }],
      [
        'zeros',
        {
          ...CHART,
          series: [
            {
              name: 'a',
              points: [
                [0, 0],
                [1, 0],
              ],
            },
          ],
        },
      ],
      [
        'below zero',
        {
          ...CHART,
          series: [
            {
              name: 'a',
              points: [
                [0, -5],
                [1, 5],
              ],
            },
          ],
        },
      ],
      [
        'a log axis from zero',
        {
          ...CHART,
          y: { label: 'y', unit: 'ms', scale: 'log' },
          series: [
            {
              name: 'a',
              points: [
                [0, 0],
                [1, 1e-3],
                [2, 1e6],
              ],
            },
          ],
        },
      ],
      [
        'percentiles',
        {
          ...CHART,
          marks: [],
          x: { label: 'x', unit: 'share', scale: 'percentile' },
          series: [
            {
              name: 'a',
              points: [
                [0.1, 1],
                [0.9, 2],
                [0.9999, 3],
              ],
            },
          ],
        },
      ],
      [
        'bars and steps',
        {
          ...CHART,
          series: [
            {
              name: 'a',
              form: 'bars',
              points: [
                [0, 1],
                [1, 2],
              ],
            },
            {
              name: 'b',
              form: 'steps',
              points: [
                [0, 1],
                [1, 2],
              ],
            },
            {
              name: 'c',
              form: 'area',
              points: [
                [0, 1],
                [1, 2],
              ],
            },
            { name: 'd', form: 'dots', points: [[0, 1]] },
          ],
        },
      ],
    ]
    for (const [what, chart] of odd) {
      const svg = chartSvg(chart, 'c')
      assert.doesNotMatch(svg, /NaN|Infinity|undefined/, what)
      for (const [, x, y] of svg.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)) {
        assert.ok(Number(x) >= 0 && Number(x) <= 720 && Number(y) >= 0 && Number(y) <= 300, `${what}: ${x} ${y}`)
      }
    }
  })

  test('stays small however long the run was', () => {
    const points = Array.from({ length: 600 }, (_, at): [number, number] => [at, at % 7])
    const svg = chartSvg({ ...CHART, series: [{ name: 'a', points }] }, 'c')
    assert.ok(svg.length < 60_000, `${svg.length}`)
  })
})

suite('formatTerminal()', () => {
  test('has verdict, figures, latencies, errors and tables, in columns', () => {
    const text = formatTerminal(report())
    assert.match(text, /^achieved\s+9\.5\/s {2}✗ 95 %$/m)
    assert.match(text, /^publish\s+3\s+2\.00\s+1\.00\s+2\.00\s+3\.00\s+4\.00\s+5\.00$/m)
    assert.match(text, /^ {2}ThrottledException\s+1,234$/m)
    assert.match(text, /^held\s+1 MiB$/m)
    assert.match(text, /FAILED, ended early by a signal:\n {2}3 messages were lost\.\n$/)
    assert.doesNotMatch(text, /NaN|undefined/)
  })
})

suite('formatValue()', () => {
  test('writes units as readers expect them', () => {
    assert.equal(formatValue(1234.5, 'per second'), '1,235/s')
    assert.equal(formatValue(0.01234, 'ms'), '0.012 ms')
    assert.equal(formatValue(1536, 'bytes'), '1.5 KiB')
    assert.equal(formatValue(-1536, 'bytes per hour'), '-1.5 KiB/h')
    assert.equal(formatValue(0, 'bytes'), '0 B')
    assert.equal(formatValue(0.5, 'bytes'), '0.5 B')
    assert.equal(formatValue(0.999, 'share'), '99.9 %')
    assert.equal(formatValue(1.1, 'USD'), '$1.10')
    assert.equal(formatValue(Number.NaN, 'ms'), '–')
  })
})

suite('keepReport()', () => {
  test('writes page, text and JSON, and never over those of another run', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sealcast-report-'))
    try {
      const paths = [1, 2, 3].map(() => keepReport(report(), 'kms', folder))
      assert.equal(new Set(paths).size, 3)
      assert.equal(readdirSync(folder).length, 9)
      assert.equal(paths[0], join(folder, '2026-11-30-abc-kms'))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
