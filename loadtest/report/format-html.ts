/** A report as one HTML file that needs nothing else: no network, no script, no font. All text is escaped. Pure. */

import { COLOURS, chartSvg } from './chart-svg.ts'
import { describeMachineBriefly } from './describe-machine.ts'
import { escapeHtml } from './escape-html.ts'
import { formatNumber, formatValue } from './format-value.ts'
import type { Chart, Figure, LatencyFigures, LoadReport, ReportTable, Series } from './load-report.ts'
import { PAGE_STYLE } from './page-style.ts'

export function formatHtml(report: LoadReport): string {
  const { settings, figures, latencies, errors, tables, charts, notes } = report
  const allTables = [
    ...(latencies.length === 0 ? [] : [latencyTable(latencies)]),
    ...(errors.length === 0 ? [] : [errorTable(report)]),
    ...tables.map(formatTable),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(`${report.test}: ${report.title}`)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<header>
<p class="kind">Sealcast load test · ${escapeHtml(report.test)} · <time datetime="${escapeHtml(report.startedAt)}">${escapeHtml(showTime(report.startedAt))}</time></p>
<h1>${escapeHtml(report.title)}</h1>
<p class="soft">${escapeHtml(describeMachineBriefly(report.machine))}. The whole run took ${formatNumber(Math.round(report.seconds))} s.</p>
<p><code>${escapeHtml(report.command)}</code></p>
${formatVerdict(report)}
</header>
<dl class="figures">
${figures.map(formatFigure).join('\n')}
</dl>
${charts.length === 0 ? '' : `<section aria-label="Charts">\n<h2>Over the run</h2>\n<div class="charts">\n${charts.map(formatChart).join('\n')}\n</div>\n</section>`}
<section aria-label="Figures">
<h2>Figures</h2>
<div class="tables">
${allTables.join('\n')}
</div>
</section>
<section aria-label="Set-up">
<h2>How it was run</h2>
<div class="card"><dl class="settings">
${settings.map(({ name, value }) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('\n')}
</dl></div>
${notes.length === 0 ? '' : `<h2>Notes</h2>\n<ul class="notes">\n${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('\n')}\n</ul>`}
</section>
</main>
</body>
</html>
`
}

function formatVerdict({ verdict: { outcome, interrupted, reasons } }: LoadReport): string {
  const what = {
    passed: 'Everything was counted from end to end, and all limits were kept.',
    failed: 'The run did not do what it was to do.',
    invalid: 'The run says nothing about the broker.',
  }[outcome]
  const early = interrupted ? ' It was ended early by a signal.' : ''
  const list =
    reasons.length === 0 ? '' : `<ul>${reasons.map((reason) => `<li>${escapeHtml(reason)}</li>`).join('')}</ul>`
  const name = { passed: 'Passed.', failed: 'Failed.', invalid: 'Invalid.' }[outcome]
  return `<div class="verdict ${outcome}" role="status"><strong>${name}</strong>${what}${early}${list}</div>`
}

function formatFigure({ name, value, unit, judged, note }: Figure): string {
  const sign = judged === undefined ? '' : judged === 'good' ? '✓ ' : '✗ '
  const text =
    note === undefined && judged === undefined
      ? ''
      : `<dd class="note ${judged ?? 'soft'}">${sign}${escapeHtml(note ?? '')}</dd>`
  return `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(formatValue(value, unit))}</dd>${text}</div>`
}

function formatChart(chart: Chart, index: number): string {
  const legend = chart.series.map((series, at) => `<li>${swatch(series, at)}${escapeHtml(series.name)}</li>`)
  return `<figure>
<figcaption><h3>${escapeHtml(chart.title)}</h3><span class="caption">${escapeHtml(chart.caption)}</span></figcaption>
<ul class="legend">${legend.join('')}</ul>
${chartSvg(chart, `chart-${index}`)}
</figure>`
}

function swatch({ form = 'line' }: Series, at: number): string {
  const colour = `c${at % COLOURS}`
  const shape =
    form === 'dots'
      ? `<circle class="${colour} dot" cx="11" cy="5" r="3"/>`
      : form === 'bars'
        ? `<rect class="${colour} bar" x="6" y="0" width="10" height="10"/>`
        : `<path class="${colour} line${form === 'dashed' ? ' dashed' : ''}" d="M1 5H21"/>`
  return `<svg viewBox="0 0 22 10" aria-hidden="true">${shape}</svg>`
}

function latencyTable(latencies: readonly LatencyFigures[]): string {
  const ms = (value: number) => `<td class="number">${Number.isFinite(value) ? value.toFixed(2) : '–'}</td>`
  const rows = latencies.map(
    (each) =>
      `<tr><th scope="row">${escapeHtml(each.name)}<div class="note">${escapeHtml(each.meaning)}</div></th><td class="number">${formatNumber(each.count)}</td>${[each.meanMs, each.p50Ms, each.p90Ms, each.p99Ms, each.p999Ms, each.maxMs].map(ms).join('')}</tr>`,
  )
  const head = ['count', 'mean', 'p50', 'p90', 'p99', 'p99.9', 'max'].map(
    (name) => `<th scope="col" class="number">${name}</th>`,
  )
  return card('Latencies, in milliseconds', 'wide', '', `<tr><th scope="col"></th>${head.join('')}</tr>`, rows)
}

function errorTable({ errors }: LoadReport): string {
  const rows = errors.map(
    ({ code, count }) =>
      `<tr><th scope="row">${escapeHtml(code)}</th><td class="number">${formatNumber(count)}</td></tr>`,
  )
  return card(
    'Errors by code',
    '',
    '',
    '<tr><th scope="col">code</th><th scope="col" class="number">count</th></tr>',
    rows,
  )
}

function formatTable({ title, note, columns, rows }: ReportTable): string {
  const isNumber = (column: number) => rows.some((row) => typeof row[column] === 'number')
  const head = columns.map(
    ({ name }, column) => `<th scope="col"${isNumber(column) ? ' class="number"' : ''}>${escapeHtml(name)}</th>`,
  )
  const body = rows.map((row) => {
    const cells = row.map((cell, column) => {
      const text = escapeHtml(typeof cell === 'number' ? formatValue(cell, columns[column]?.unit ?? 'count') : cell)
      if (column === 0) return `<th scope="row">${text}</th>`
      return `<td${isNumber(column) ? ' class="number"' : ''}>${text}</td>`
    })
    return `<tr>${cells.join('')}</tr>`
  })
  return card(title, columns.length > 5 ? 'wide' : '', note, `<tr>${head.join('')}</tr>`, body)
}

function card(title: string, kind: '' | 'wide', note: string, head: string, rows: readonly string[]): string {
  const text = note === '' ? '' : `<p class="note">${escapeHtml(note)}</p>`
  return `<div class="card ${kind}"><h3>${escapeHtml(title)}</h3>${text}<table><thead>${head}</thead><tbody>${rows.join('\n')}</tbody></table></div>`
}

/** `2026-11-30T08:00:00.000Z` → `2026-11-30 08:00 UTC`. */
function showTime(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`
}
