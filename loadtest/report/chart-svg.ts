/**
 * A chart as inline SVG, without a script: axes with units, series, marks, and a strip for each place along the x axis
 * whose title tells all values there. Colours come from the page's style, so that it follows light and dark. Pure.
 */

import { escapeHtml } from './escape-html.ts'
import { formatValue } from './format-value.ts'
import type { Chart, Series } from './load-report.ts'
import { createScale, type Scale } from './scale.ts'

const WIDTH = 720
const HEIGHT = 300
const LEFT = 76
const RIGHT = 18
const TOP = 14
const BOTTOM = 46
/** Strips of a pixel or two could not be met with a pointer. */
const MOST_STRIPS = 180
/** Classes `c0`, `c1`, … of the page's style. */
export const COLOURS = 10

interface Plane {
  readonly x: Scale
  readonly y: Scale
}

/** @param id of the chart on its page */
export function chartSvg(chart: Chart, id: string): string {
  const xs = chart.series.flatMap(({ points }) => points.map(([x]) => x))
  const ys = chart.series.flatMap(({ points }) => points.map(([, y]) => y))
  for (const { axis, at } of chart.marks ?? []) (axis === 'x' ? xs : ys).push(at)
  const plane: Plane = { x: createScale(chart.x, xs, false), y: createScale(chart.y, ys, true) }
  const isEmpty = !ys.some(Number.isFinite)
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${escapeHtml(chart.title)}</title>
<desc id="${id}-desc">${escapeHtml(describe(chart))}</desc>
${axes(chart, plane)}
${chart.series.map((series, index) => drawSeries(series, index, plane)).join('\n')}
${(chart.marks ?? []).map((mark) => drawMark(mark, plane)).join('\n')}
${isEmpty ? `<text class="empty" x="${WIDTH / 2}" y="${HEIGHT / 2}" text-anchor="middle">nothing was measured</text>` : strips(chart, plane)}
</svg>`
}

/** In words, for those who cannot see it: each series from begin to end, with its extremes. */
function describe({ caption, series, y }: Chart): string {
  const lines = series.map(({ name, points }) => {
    const values = points.map(([, value]) => value).filter(Number.isFinite)
    const [first, last] = [values[0], values.at(-1)]
    if (first === undefined || last === undefined) return `${name}: nothing measured.`
    const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
    const show = (value: number) => formatValue(value, y.unit)
    return `${name}: from ${show(first)} to ${show(last)}, between ${show(low)} and ${show(high)}.`
  })
  return [caption, ...lines].join(' ')
}

function axes(chart: Chart, { x, y }: Plane): string {
  const bottom = HEIGHT - BOTTOM
  const rows = y.ticks.map(({ at, label }) => {
    const level = round(down(y, at))
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${level}" y2="${level}"/><text class="tick" x="${LEFT - 8}" y="${round(level + 3.5)}" text-anchor="end">${escapeHtml(label)}</text>`
  })
  const columns = x.ticks.map(({ at, label }) => {
    const place = round(along(x, at))
    return `<line class="grid" x1="${place}" x2="${place}" y1="${bottom}" y2="${bottom + 5}"/><text class="tick" x="${place}" y="${bottom + 18}" text-anchor="middle">${escapeHtml(label)}</text>`
  })
  return `${rows.join('')}${columns.join('')}<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${bottom}" y2="${bottom}"/>
<text class="label" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeHtml(chart.x.label)}</text>
<text class="label" transform="translate(14 ${(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(chart.y.label)}</text>`
}

function drawSeries({ points, form = 'line' }: Series, index: number, { x, y }: Plane): string {
  const colour = `c${index % COLOURS}`
  const placed = points.map(([at, value]) => [along(x, at), down(y, value)] as const)
  const shown = placed.filter(([left, top]) => Number.isFinite(left) && Number.isFinite(top))
  if (form === 'dots') {
    return shown
      .map(([left, top]) => `<circle class="${colour} dot" cx="${round(left)}" cy="${round(top)}" r="2"/>`)
      .join('')
  }
  const bottom = HEIGHT - BOTTOM
  if (form === 'bars') {
    const width = Math.max(1, ((WIDTH - LEFT - RIGHT) / Math.max(points.length, 1)) * 0.7)
    return shown
      .map(
        ([left, top]) =>
          `<rect class="${colour} bar" x="${round(left - width / 2)}" y="${round(top)}" width="${round(width)}" height="${round(Math.max(0, bottom - top))}"/>`,
      )
      .join('')
  }
  const lines = pieces(placed)
  const path = lines.map((piece) => draw(piece, form === 'steps')).join('')
  const area =
    form === 'area' ? `<path class="${colour} area" d="${lines.map((piece) => close(piece, bottom)).join('')}"/>` : ''
  // A line of one point would not be seen.
  const lonely = lines
    .filter((piece) => piece.length === 1)
    .map(
      ([only]) => `<circle class="${colour} dot" cx="${round(only?.[0] ?? 0)}" cy="${round(only?.[1] ?? 0)}" r="2.5"/>`,
    )
  return `${area}<path class="${colour} line${form === 'dashed' ? ' dashed' : ''}" d="${path}"/>${lonely.join('')}`
}

type Place = readonly [left: number, top: number]

/** Unbroken stretches: what was not measured is not drawn. */
function pieces(placed: readonly Place[]): Place[][] {
  const found: Place[][] = [[]]
  for (const place of placed) {
    if (Number.isFinite(place[0]) && Number.isFinite(place[1])) found.at(-1)?.push(place)
    else if ((found.at(-1)?.length ?? 0) > 0) found.push([])
  }
  return found.filter((piece) => piece.length > 0)
}

function draw(piece: readonly Place[], steps: boolean): string {
  return piece
    .map(([left, top], at) =>
      at === 0
        ? `M${round(left)} ${round(top)}`
        : steps
          ? `H${round(left)}V${round(top)}`
          : `L${round(left)} ${round(top)}`,
    )
    .join('')
}

function close(piece: readonly Place[], bottom: number): string {
  return `${draw(piece, false)}L${round(piece.at(-1)?.[0] ?? 0)} ${bottom}L${round(piece[0]?.[0] ?? 0)} ${bottom}Z`
}

function drawMark({ axis, at, label }: NonNullable<Chart['marks']>[number], { x, y }: Plane): string {
  if (axis === 'x') {
    const place = round(along(x, at))
    return `<line class="mark" x1="${place}" x2="${place}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/><text class="mark-label" x="${round(place + 5)}" y="${TOP + 9}">${escapeHtml(label)}</text>`
  }
  const level = round(down(y, at))
  return `<line class="mark" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${level}" y2="${level}"/><text class="mark-label" x="${WIDTH - RIGHT - 4}" y="${round(level - 5)}" text-anchor="end">${escapeHtml(label)}</text>`
}

/** Over the whole height, so that one need not hit a line. */
function strips({ series, x: axis, y: values }: Chart, { x }: Plane): string {
  const all = [...new Set(series.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b)
  const every = Math.ceil(all.length / MOST_STRIPS)
  const places = all.filter((_, index) => index % every === 0)
  return places
    .map((at, index) => {
      const here = along(x, at)
      const left = index === 0 ? LEFT : (here + along(x, places[index - 1] ?? at)) / 2
      const right = index === places.length - 1 ? WIDTH - RIGHT : (here + along(x, places[index + 1] ?? at)) / 2
      const where = axis.scale === 'percentile' ? `p${Number((at * 100).toPrecision(6))}` : formatValue(at, axis.unit)
      const lines = series.flatMap(({ name, points }) => {
        const value = points.find(([own]) => own === at)?.[1] ?? Number.NaN
        return Number.isFinite(value) ? [`${name}: ${formatValue(value, values.unit)}`] : []
      })
      return `<rect class="strip" x="${round(left)}" y="${TOP}" width="${round(Math.max(0.5, right - left))}" height="${HEIGHT - TOP - BOTTOM}"><title>${escapeHtml([where, ...lines].join('\n'))}</title></rect>`
    })
    .join('')
}

function along(scale: Scale, value: number): number {
  return LEFT + scale.place(value) * (WIDTH - LEFT - RIGHT)
}

function down(scale: Scale, value: number): number {
  return HEIGHT - BOTTOM - scale.place(value) * (HEIGHT - TOP - BOTTOM)
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
