/** A run as a page: what was looked at, with its value, and whose doing it is. */

import type { LiveRun } from './run-live.ts'
import { CALLS_UNDER_WAY, RATIO_TOLERANCE } from './steady.ts'

/** @param title first line; @param on what it was run on */
export function formatRun({ steady, seen, fired, failures }: LiveRun, on: string): string {
  const rows = seen.map(({ expression, value, finite, series, by, error }) => [
    expression.from,
    expression.name,
    code(expression.expression),
    value === undefined ? (error ?? '**none**') : describe(value, { finite, series }),
    by ?? '',
  ])
  const alerts = fired.map(({ name, by, annotations }) => [name, by, annotations.summary ?? ''])
  const { seconds, served, made, predicted, ratio, servedRatio } = steady
  return [
    '# Observability',
    '',
    `\`npm run observability\` ${on}`,
    '',
    `Steady load of ${seconds} s: ${served} calls by the KMS's own count, ${made} by those who made them (at most ${CALLS_UNDER_WAY} may be`,
    `under way), ${predicted.toFixed(1)} predicted: ${servedRatio.toFixed(3)}. \`sealcast:kms_ratio\` was ${ratio.toFixed(3)} on average; 1 ± ${RATIO_TOLERANCE} is asked for.`,
    '',
    '## Panels and recording rules',
    'Value: the largest of its series when it was first seen; how many there were. The last column: what had to be wrong for it to have any.',
    '',
    ...table(['dashboard', 'panel', 'expression', 'value', 'fault'], rows),
    '',
    '## Alerts',
    'Each fired for the fault beside it; none before the first one. Windows and waits were divided by twenty.',
    '',
    ...table(['alert', 'fault', 'what it said'], alerts),
    '',
    ...(failures.length === 0
      ? [`All ${seen.length} expressions had data, and all alerts fired.`]
      : ['## Failures', '', ...failures.map((failure) => `- ${failure}`)]),
    '',
  ].join('\n')
}

function describe(value: number, { finite, series }: { finite: number; series: number }): string {
  const text = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
  if (series === 1) return text
  return `${text} (${finite === series ? series : `${finite} of ${series}`} series)`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}

function code(expression: string): string {
  return `\`${expression.replace(/\s+/g, ' ').trim()}\``
}
