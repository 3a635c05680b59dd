/** A number with its unit as a reader wants it: three digits or so, binary multiples for bytes. Pure. */

import type { Unit } from './load-report.ts'

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** @returns `–` for NaN: could not be measured */
export function formatValue(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return '–'
  switch (unit) {
    case 'count':
      return formatNumber(value)
    case 'per second':
      return `${formatNumber(value)}/s`
    case 'bytes':
      return formatBytes(value)
    case 'bytes per hour':
      return `${formatBytes(value)}/h`
    case 'share':
      return `${formatNumber(value * 100)} %`
    case 'ratio':
      return `${value.toFixed(4)}`
    case 'USD':
      return `$${formatMoney(value)}`
    case 'USD per month':
      return `$${formatMoney(value)}/month`
    default:
      return `${formatNumber(value)} ${unit}`
  }
}

/** Whole numbers whole, others with three significant digits. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  if (Number.isInteger(value) || size >= 1000) return Math.round(value).toLocaleString('en-US')
  const digits = size >= 100 ? 1 : size >= 1 ? 2 : 3
  return Number(value.toFixed(digits)).toLocaleString('en-US', { maximumFractionDigits: digits })
}

function formatBytes(value: number): string {
  const power = value === 0 ? 0 : Math.min(Math.floor(Math.log2(Math.abs(value)) / 10), BYTE_UNITS.length - 1)
  const index = Math.max(power, 0)
  return `${formatNumber(value / 1024 ** index)} ${BYTE_UNITS[index]}`
}

function formatMoney(value: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
}
