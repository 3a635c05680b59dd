import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { findFailures, formatReport, type Report, type ReportedRow } from './report.ts'

suite('findFailures()', () => {
  test('fails on a missed first target in either direction, not on a missed aim', () => {
    assert.deepEqual(findFailures(report([row({ value: 0.4 })])), [])
    assert.deepEqual(findFailures(report([row({ value: 0.35 })])), [])
    assert.match(findFailures(report([row({ value: 0.34 })]))[0] ?? '', /publish misses .* 0\.34 ×, wanted ≥ 0\.35 ×/)
    const latency = { better: 'lower', first: 25, aim: 10, unit: 'ms' } as const
    assert.deepEqual(findFailures(report([row({ ...latency, value: 25 })])), [])
    assert.equal(findFailures(report([row({ ...latency, value: 26 })])).length, 1)
  })

  test('fails on a figure that is no number', () => {
    assert.equal(findFailures(report([row({ value: Number.NaN })])).length, 1)
  })

  test('fails on a row that counts for nothing, however good', () => {
    const [failure] = findFailures(report([{ ...row({ value: 1 }), problems: ['3 statusErrors'] }]))
    assert.match(failure ?? '', /publish is invalid: 3 statusErrors/)
  })
})

suite('formatReport()', () => {
  test('shows machine, verdict, and each round with what processes used', () => {
    const text = formatReport(report([row({ value: 0.4 }), row({ value: 0.6 }), row({ value: 0.1 })]))
    for (const part of [
      'A processor',
      'Node 24.21.0',
      '| ok ',
      '| aim ',
      '| MISSED ',
      '0.50, 405 µs, 100 MiB',
      '1,234',
      'a note',
    ])
      assert.ok(text.includes(part), `${part} in:\n${text}`)
    assert.ok(!text.includes('INVALID'))
    assert.ok(formatReport(report([{ ...row({ value: 1 }), problems: ['x'] }])).includes('INVALID'))
    const failed = { ...row({}), figures: [], measured: [], problems: ['it could not be measured'] }
    assert.match(formatReport(report([failed])), /\| publish .*INVALID/)
  })
})

test('formatReport() says how far the ratios of the rounds lie apart', () => {
  const rounds = (...rates: number[]) => rates.map((perSecond) => ({ perSecond, usages: [], problems: [] }))
  const measured = (...sides: number[][]) =>
    sides.map((rates, at) => ({ name: `side ${at}`, unit: 'requests', perSecond: 1, rounds: rounds(...rates) }))
  const text = (sides: ReturnType<typeof measured>) => formatReport(report([{ ...row({}), measured: sides }]))
  assert.match(
    text(measured([100, 200, 100, 400], [20, 50, 90, 160])),
    /Ratio round by round: 0\.20, 0\.25, 0\.90, 0\.40; median 0\.33, quartiles 0\.20 and 0\.40\./,
  )
  for (const sides of [measured([1], [1]), measured([1, 2]), measured([1, 2], [1])]) {
    assert.ok(!text(sides).includes('Ratio round by round'))
  }
})

function row(figure: Partial<ReportedRow['figures'][number]>): ReportedRow {
  const usages = [
    { name: 'gateway', cores: 0.5, residentBytes: 100 * 2 ** 20 },
    { name: 'machine', cores: 1.75, residentBytes: 0 },
  ]
  const rounds = [{ perSecond: 1234, usages, problems: [] }]
  return {
    name: 'publish',
    what: 'Publish',
    against: 'something bare',
    seconds: 10,
    figures: [{ name: 'ratio', value: 0, unit: '×', better: 'higher', first: 0.35, aim: 0.55, ...figure }],
    measured: [{ name: 'Publish', unit: 'requests', perSecond: 1234, rounds }],
    notes: ['a note'],
    problems: [],
  }
}

function report(rows: ReportedRow[]): Report {
  const machine = {
    cpu: 'A processor',
    cores: 2,
    memoryBytes: 2 ** 33,
    kernel: '6',
    os: 'Debian',
    loadAverage: 0.1,
    node: '24.21.0',
    openssl: '3.5',
    redis: '7.0.15',
    wrk: '4.1.0',
    commit: 'abcdef',
  }
  return { startedAt: '2030-01-02T03:04:05.000Z', seconds: 10, quick: false, machine, rows }
}
