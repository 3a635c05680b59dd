/** Where a value lies along an axis, and which values are marked on it. Pure. */

import { formatNumber, formatValue } from './format-value.ts'
import type { Axis } from './load-report.ts'

export interface Scale {
  /** @returns 0 at the axis's begin to 1 at its end; NaN of what it cannot show */
  place(value: number): number
  readonly ticks: readonly { readonly at: number; readonly label: string }[]
}

/** Marks that a chart of this size has room for. */
const TICKS = 7

/** @param values all that is to be shown. @param fromZero whether a linear axis begins at zero */
export function createScale(axis: Axis, values: readonly number[], fromZero: boolean): Scale {
  const finite = values.filter(Number.isFinite)
  const low = finite.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY)
  const high = finite.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
  if (axis.scale === 'percentile') return percentileScale(high)
  if (axis.scale === 'log') {
    const least = finite.filter((value) => value > 0).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
    return logScale(axis, least, high)
  }
  if (finite.length === 0) return linearScale(axis, 0, 1)
  return fromZero ? linearScale(axis, Math.min(0, low), Math.max(high, 0)) : { ...linearScale(axis, low, high, true) }
}

/** @param exact ends where the values end and not at the next tick */
function linearScale(axis: Axis, low: number, high: number, exact = false): Scale {
  const step = niceStep(high > low ? high - low : Math.abs(high) || 1, axis)
  const from = exact ? low : Math.floor(low / step) * step
  const to = exact ? (high > low ? high : low + step) : Math.max(Math.ceil(high / step - 1e-9) * step, from + step)
  const ticks = []
  for (let index = Math.ceil(from / step - 1e-9); index * step <= to + step * 1e-9; index++) {
    // Never -0.
    const at = index * step + 0
    ticks.push({ at, label: tickLabel(at, axis, step) })
  }
  return { place: (value) => (value - from) / (to - from), ticks }
}

function logScale(axis: Axis, least: number, high: number): Scale {
  if (!(high > 0) || !Number.isFinite(least)) return linearScale(axis, 0, 1)
  const from = Math.floor(Math.log10(least))
  const to = Math.max(Math.ceil(Math.log10(high) - 1e-9), from + 1)
  const ticks = []
  const factors = to - from <= 2 ? [1, 2, 5] : to - from <= 3 ? [1, 3] : [1]
  for (let decade = from; decade <= to; decade++) {
    for (const factor of factors) {
      const at = factor * 10 ** decade
      if (Math.log10(at) <= to + 1e-9) ticks.push({ at, label: formatValue(at, axis.unit) })
    }
  }
  return {
    // What is zero or less lies at the bottom: it is less than anything that is shown.
    place: (value) =>
      Number.isNaN(value) ? Number.NaN : Math.max(0, (Math.log10(Math.max(value, 10 ** from)) - from) / (to - from)),
    ticks,
  }
}

/** @param high the last share that is shown, below 1 */
function percentileScale(high: number): Scale {
  const nines = (share: number) => -Math.log10(1 - Math.min(share, 1 - 1e-9))
  const to = Math.max(Number.isFinite(high) ? nines(high) : 0, 1)
  const shares = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999].filter((share) => nines(share) <= to + 1e-6)
  return {
    place: (share) => nines(share) / to,
    ticks: shares.map((at) => ({ at, label: `${Number((at * 100).toPrecision(8))} %` })),
  }
}

/** 1, 2 or 5 times a power of ten; of bytes a power of two, of seconds what clocks show. */
function niceStep(span: number, { unit }: Axis): number {
  const rough = span / TICKS
  if (unit === 'bytes' || unit === 'bytes per hour') return 2 ** Math.ceil(Math.log2(rough))
  if (unit === 's' && rough > 5) {
    const steps = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200]
    return steps.find((step) => step >= rough) ?? 86_400 * Math.ceil(rough / 86_400)
  }
  const power = 10 ** Math.floor(Math.log10(rough))
  const factor = [1, 2, 5, 10].find((each) => each * power >= rough * (1 - 1e-9)) ?? 10
  const step = factor * power
  return unit === 'count' ? Math.max(1, step) : step
}

function tickLabel(at: number, { unit }: Axis, step: number): string {
  if (unit === 's') return clockLabel(at, step)
  if (unit === 'count') return formatNumber(Math.round(at))
  // The axis says so itself.
  if (unit === 'cores') return formatNumber(Number(at.toPrecision(10)))
  // 0.1 + 0.2 must not be seen.
  return formatValue(Number(at.toPrecision(10)), unit)
}

function clockLabel(seconds: number, step: number): string {
  if (step >= 3600) return `${formatNumber(seconds / 3600)} h`
  if (step >= 60) return `${formatNumber(seconds / 60)} min`
  return `${formatNumber(Number(seconds.toPrecision(10)))} s`
}
