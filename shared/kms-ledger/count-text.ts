/**
 * How one field of a ledger tells when its requests were made: `03=96 04T00=12 04T01=12`, days and, of the latest days,
 * hours, in UTC; no request in two of them. Hours of a steady month for each field would be thirty times as much memory.
 *
 * count-calls.lua writes it, and adds hours up to days when more is counted. Pure.
 */

/** Requests in a span of time. */
export interface Count {
  /** Epoch ms. */
  from: number
  /** Epoch ms, exclusive. */
  until: number
  count: number
}

/** As count-calls.lua has it: a month's 31 days and 744 hours, each with its count. What is longer somebody else wrote. */
const MAX_TEXT = 16_384
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** @returns `<dd>T<hh>` */
export function hourOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(8, 13)
}

/** @returns none when any part of the text is none of ours */
export function parseCountText(text: string, month: string): Count[] {
  if (text.length > MAX_TEXT) return []
  const span = spanOf(month)
  const counts: Count[] = []
  for (const part of text.split(' ')) {
    const [, day, hour, digits] = /^(\d\d)(?:T([01]\d|2[0-3]))?=(\d{1,15})$/.exec(part) ?? []
    const from = span.from + (Number(day) - 1) * DAY_MS + Number(hour ?? 0) * HOUR_MS
    const count = Number(digits)
    if (!(count > 0 && from >= span.from && from < span.until)) return []
    counts.push({ from, until: from + (hour === undefined ? DAY_MS : HOUR_MS), count })
  }
  return counts
}

/** The older form: one number for the month. */
export function wholeMonth(text: string, month: string): Count[] {
  const count = /^\d{1,15}$/.test(text) ? Number(text) : 0
  return count > 0 ? [{ ...spanOf(month), count }] : []
}

function spanOf(month: string): { from: number; until: number } {
  const [year, number] = [Number(month.slice(0, 4)), Number(month.slice(5, 7))]
  return { from: Date.UTC(year, number - 1), until: Date.UTC(year, number) }
}
