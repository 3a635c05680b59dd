/** The table and what stands behind each of its rows, as Markdown: for the terminal and for results/. Pure. */

import { type Figure, isMet, type RowResult } from '../bench/row.ts'
import type { Machine } from './machine.ts'
import { MACHINE } from './process-usage.ts'
import type { Measured, Round } from './rounds.ts'
import { median, percentile, spread } from './statistics.ts'

export interface Report {
  readonly startedAt: string
  readonly seconds: number
  readonly quick: boolean
  readonly machine: Machine
  readonly rows: readonly ReportedRow[]
}

export interface ReportedRow extends RowResult {
  readonly name: string
  readonly what: string
  readonly against: string
  readonly seconds: number
}

/** @returns every reason why the run is no success */
export function findFailures({ rows }: Report): string[] {
  return rows.flatMap(({ name, figures, problems }) => [
    ...problems.map((problem) => `${name} is invalid: ${problem}`),
    ...figures
      .filter((figure) => !isMet(figure, figure.first))
      .map(
        (figure) => `${name} misses its target: ${figure.name} ${show(figure)}, wanted ${wanted(figure, figure.first)}`,
      ),
  ])
}

export function formatReport(report: Report): string {
  const { machine, rows } = report
  const lines = [
    `# Benchmark of ${report.startedAt.slice(0, 10)}, commit ${machine.commit}`,
    '',
    `${machine.cpu}, ${machine.cores} cores, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB, ${machine.os}, kernel ${machine.kernel}; ` +
      `Node ${machine.node}, OpenSSL ${machine.openssl}, Redis ${machine.redis}, wrk ${machine.wrk}. ` +
      `Load average before: ${machine.loadAverage.toFixed(2)}. ${report.seconds.toFixed(0)} s in all.`,
    '',
    ...(report.quick ? ['Quick run: rounds too short for figures to mean anything.', ''] : []),
    ...formatTable(rows),
    ...rows.flatMap(formatRow),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

function formatTable(rows: readonly ReportedRow[]): string[] {
  const cells = rows.flatMap(({ name, what, against, figures, problems, measured }) => {
    const rates = measured.map(({ perSecond, unit }) => `${rate(perSecond)} ${unit}`).join(' : ')
    const isValid = problems.length === 0
    if (figures.length === 0) return [[name, what, against, rates, '', '', '', isValid ? '' : 'INVALID']]
    return figures.map((figure, index) => [
      ...(index === 0 ? [name, what, against, rates] : ['', '', '', '']),
      `${figure.name} ${show(figure)}`,
      wanted(figure, figure.first),
      wanted(figure, figure.aim),
      isValid ? verdict(figure) : 'INVALID',
    ])
  })
  const header = ['row', 'what', 'against', 'measured, per second', 'result', 'target', 'aim', 'verdict']
  return [...alignTable(header, cells), '']
}

function formatRow({ name, what, against, seconds, measured, notes, problems }: ReportedRow): string[] {
  return [
    `## ${name}: ${what}, against ${against} (${seconds.toFixed(0)} s)`,
    '',
    ...problems.map((problem) => `- INVALID: ${problem}`),
    ...notes.map((note) => `- ${note}`),
    ...(problems.length + notes.length > 0 ? [''] : []),
    ...describeRatios(measured),
    ...measured.flatMap(formatMeasured),
  ]
}

/** Baseline and subject of a round were measured one right after the other: how far such ratios lie apart says what the one of the medians is worth. */
function describeRatios([baseline, subject]: readonly Measured[]): string[] {
  const count = subject?.rounds.length ?? 0
  if (baseline === undefined || subject === undefined || count < 2 || baseline.rounds.length !== count) return []
  const ratios = subject.rounds.map(({ perSecond }, at) => perSecond / (baseline.rounds[at]?.perSecond ?? Number.NaN))
  const [low, high] = [percentile(ratios, 0.25), percentile(ratios, 0.75)]
  return [
    `Ratio round by round: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}; median ${median(ratios).toFixed(2)}, quartiles ${low.toFixed(2)} and ${high.toFixed(2)}.`,
    '',
  ]
}

function formatMeasured({ name, unit, perSecond, rounds }: Measured): string[] {
  if (rounds.length === 0) return []
  const figures = rounds.map((round) => round.perSecond)
  const names = [...new Set(rounds.flatMap(({ usages }) => usages.map((usage) => usage.name)))].filter(
    (process) => process !== MACHINE,
  )
  const cells = rounds.map((round, index) => [
    String(index + 1),
    rate(round.perSecond),
    ...names.map((process) => formatUsage(round, process)),
    othersOf(round).toFixed(2),
    (round.remarks ?? []).join('; '),
  ])
  return [
    `**${name}**: median ${rate(perSecond)} ${unit}/s, ${describeSpread(figures)}Cores used, processor time for each of the ${unit}, memory:`,
    '',
    ...alignTable(['round', `${unit}/s`, ...names, 'others', 'also'], cells),
    '',
  ]
}

/** Cores used by whatever has no column: when that is much, the machine was not ours alone. */
function othersOf({ usages }: Round): number {
  return usages.reduce((rest, { name, cores }) => (name === MACHINE ? rest + cores : rest - cores), 0)
}

function describeSpread(figures: readonly number[]): string {
  return figures.length > 1 ? `rounds from lowest to highest ${(spread(figures) * 100).toFixed(0)} % of it. ` : ''
}

function formatUsage(round: Round, name: string): string {
  const usage = round.usages.find((candidate) => candidate.name === name)
  if (usage === undefined) return ''
  const memory = usage.residentBytes === 0 ? '' : `, ${Math.round(usage.residentBytes / 2 ** 20)} MiB`
  const microseconds = round.perSecond > 0 ? `, ${Math.round((usage.cores / round.perSecond) * 1e6)} µs` : ''
  return `${usage.cores.toFixed(2)}${microseconds}${memory}`
}

function verdict(figure: Figure): string {
  if (isMet(figure, figure.aim)) return 'aim'
  return isMet(figure, figure.first) ? 'ok' : 'MISSED'
}

function show({ value, unit }: Figure): string {
  return `${value.toFixed(Math.abs(value) >= 10 ? 1 : 2)} ${unit}`.trim()
}

function wanted({ better, unit }: Figure, level: number): string {
  return `${better === 'higher' ? '≥' : '≤'} ${level} ${unit}`.trim()
}

function rate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en-US')
}

function alignTable(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`
  return [line(header), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)]
}
