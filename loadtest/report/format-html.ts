/** A report as one HTML file that needs nothing else: no network, no script. Pure. */

import { describeMachineBriefly } from './describe-machine.ts'
import { escapeHtml } from './escape-html.ts'
import { formatNumber, formatValue } from './format-value.ts'
import type { LoadReport } from './load-report.ts'

export function formatHtml(report: LoadReport): string {
  const figures = report.figures
    .map(({ name, value, unit }) => `<tr><th>${escapeHtml(name)}<td>${escapeHtml(formatValue(value, unit))}`)
    .join('\n')
  const latencies = report.latencies
    .map(
      ({ name, p50Ms, p99Ms, maxMs }) =>
        `<tr><th>${escapeHtml(name)}<td>${formatNumber(p50Ms)}<td>${formatNumber(p99Ms)}<td>${formatNumber(maxMs)}`,
    )
    .join('\n')
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${escapeHtml(report.title)}</title>
<h1>${escapeHtml(report.title)}</h1>
<p>${escapeHtml(describeMachineBriefly(report.machine))}
<table>${figures}</table>
<table>${latencies}</table>
</html>
`
}
