/** A report as text for a terminal: the verdict first, then figures and tables with aligned columns. Pure. */

import { describeMachineBriefly } from './describe-machine.ts'
import { formatNumber, formatValue } from './format-value.ts'
import type { Figure, LatencyFigures, LoadReport, ReportTable } from './load-report.ts'

export function formatTerminal(report: LoadReport): string {
  const { errors, latencies, tables, notes } = report
  const sections = [
    [report.title, describeMachineBriefly(report.machine), report.command],
    report.settings.map(({ name, value }) => `${name}: ${value}`),
    align(report.figures.map(figureRow), ['left', 'right', 'left']),
    latencies.length === 0 ? [] : latencyTable(latencies),
    errors.length === 0
      ? []
      : [
          'Errors',
          ...align(
            errors.map(({ code, count }) => [`  ${code}`, formatNumber(count)]),
            ['left', 'right'],
          ),
        ],
    ...tables.map(formatTable),
    notes.map((note) => `- ${note}`),
    describeVerdict(report),
  ]
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`
}

function describeVerdict({ verdict: { outcome, interrupted, reasons } }: LoadReport): string[] {
  const what = { passed: 'PASSED', failed: 'FAILED', invalid: 'INVALID' }[outcome]
  const end = interrupted ? ', ended early by a signal' : ''
  return [`${what}${end}${reasons.length === 0 ? '.' : ':'}`, ...reasons.map((reason) => `  ${reason}`)]
}

function figureRow({ name, value, unit, judged, note = '' }: Figure): string[] {
  const mark = judged === 'bad' ? '✗ ' : judged === 'good' ? '✓ ' : ''
  return [name, formatValue(value, unit), `${mark}${note}`]
}

function latencyTable(latencies: readonly LatencyFigures[]): string[] {
  const header = ['ms', 'count', 'mean', 'p50', 'p90', 'p99', 'p99.9', 'max']
  const rows = latencies.map((each) => [
    each.name,
    formatNumber(each.count),
    ...[each.meanMs, each.p50Ms, each.p90Ms, each.p99Ms, each.p999Ms, each.maxMs].map(formatMs),
  ])
  const meanings = latencies.map(({ name, meaning }) => `  ${name}: ${meaning}`)
  return [...align([header, ...rows], ['left', ...Array(7).fill('right')]), ...meanings]
}

function formatMs(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : '–'
}

function formatTable({ title, note, columns, rows }: ReportTable): string[] {
  const cells = rows.map((row) =>
    row.map((cell, column) => (typeof cell === 'number' ? formatValue(cell, columns[column]?.unit ?? 'count') : cell)),
  )
  const sides = columns.map((_, column) => (rows.some((row) => typeof row[column] === 'number') ? 'right' : 'left'))
  return [title, ...(note === '' ? [] : [note]), ...align([columns.map(({ name }) => name), ...cells], sides)]
}

function align(rows: readonly (readonly string[])[], sides: readonly ('left' | 'right')[]): string[] {
  const widths = sides.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) =>
    sides
      .map((side, column) => {
        const cell = row[column] ?? ''
        return side === 'left' ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
      })
      .join('  ')
      .trimEnd(),
  )
}
