/** Numbers as a column of at most nine characters has them. Pure. */

import type { Quantile } from './quantile.ts'

/** What no process tells. */
export const NOTHING = '–'

export function count(value: number | undefined): string {
  if (value === undefined) return NOTHING
  return Math.abs(value) >= 1e6
    ? `${(value / 1e6).toFixed(value < 1e8 ? 2 : 0)} M`
    : Math.round(value).toLocaleString('en-US')
}

/** Below ten a second each of them counts. */
export function rate(perSecond: number | undefined): string {
  if (perSecond === undefined) return NOTHING
  if (perSecond >= 1_000) return `${count(perSecond)}/s`
  return `${perSecond === 0 ? '0' : perSecond.toFixed(perSecond < 0.1 ? 3 : perSecond < 10 ? 2 : 1)}/s`
}

export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return NOTHING
  if (seconds === 0) return '0 s'
  if (seconds < 0.1) return `${(seconds * 1000).toFixed(seconds < 0.01 ? 2 : 1)} ms`
  if (seconds < 1) return `${(seconds * 1000).toFixed(0)} ms`
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`
  return seconds < 7_200 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3_600).toFixed(0)} h`
}

export function quantile(q: Quantile | undefined): string {
  return q === undefined ? NOTHING : `${q.isAbove ? '>' : ''}${duration(q.value)}`
}

export function percent(share: number | undefined): string {
  return share === undefined ? NOTHING : `${(100 * share).toFixed(1)} %`
}

export function bytes(value: number | undefined): string {
  if (value === undefined) return NOTHING
  const mebibytes = value / 1_048_576
  return mebibytes >= 10_240
    ? `${(mebibytes / 1024).toFixed(1)} GiB`
    : `${mebibytes.toFixed(mebibytes < 10 ? 1 : 0)} MiB`
}

export function ratio(value: number | undefined): string {
  return value === undefined ? NOTHING : value.toFixed(2)
}
