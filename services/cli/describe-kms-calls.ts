/** The table of `sealcast kms calls`: a line for each publisher of a topic, and the sum. Pure. */

import type { PairUsage } from '#shared/kms-ledger'
import { columnWidths } from './column-widths.ts'

type Row = Omit<PairUsage, 'principal' | 'periods'>

/** Decrypts of the formula and beside it; other purposes are shown together. */
const SHOWN = ['deliver', 'share', 'reopen'] as const
const HEADINGS = ['generate', 'keys', ...SHOWN, 'other', 'failed', 'total', '2 × periods', 'ratio']

/** @returns lines, the last one ended too */
export function describeKmsCalls(
  usages: readonly (PairUsage & { topicArn: string })[],
  { month }: { month: string },
): string {
  if (usages.length === 0) return `No KMS requests in ${month}.\n`
  const rows = [
    ['topic', 'publisher', ...HEADINGS],
    ...usages.map((usage) => [usage.topicArn, usage.principal, ...cellsOf(usage)]),
    [`all in ${month}`, '', ...cellsOf(sumOf(usages))],
  ]
  const widths = columnWidths(rows)
  return rows
    .map(([topic = '', publisher = '', ...cells]) =>
      [
        topic.padEnd(widths[0] ?? 0),
        publisher.padEnd(widths[1] ?? 0),
        ...cells.map((cell, at) => cell.padStart(widths[at + 2] ?? 0)),
      ].join('  '),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

function cellsOf({ keys, generate, byPurpose, failed, total, predicted, ratio }: Row): string[] {
  const shown = SHOWN.map((purpose) => byPurpose[purpose] ?? 0)
  const all = Object.values(byPurpose).reduce((sum, count) => sum + count, 0)
  const other = all - shown.reduce((sum, count) => sum + count, 0)
  return [
    ...[generate, keys, ...shown, other, failed, total, predicted].map(String),
    ratio === undefined ? '–' : ratio.toFixed(2),
  ]
}

function sumOf(usages: readonly PairUsage[]): Row {
  const sum = (of: (usage: PairUsage) => number) => usages.reduce((total, usage) => total + of(usage), 0)
  const purposes = new Set(usages.flatMap(({ byPurpose }) => Object.keys(byPurpose)))
  const [total, predicted] = [sum((usage) => usage.total), sum((usage) => usage.predicted)]
  return {
    keys: sum(({ keys }) => keys),
    generate: sum(({ generate }) => generate),
    byPurpose: Object.fromEntries([...purposes].map((name) => [name, sum(({ byPurpose }) => byPurpose[name] ?? 0)])),
    failed: sum(({ failed }) => failed),
    total,
    predicted,
    ratio: predicted === 0 ? undefined : total / predicted,
  }
}
