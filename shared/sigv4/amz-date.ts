/**
 * Reads and writes the dates of SigV4, ISO 8601's basic format: `20150830T123600Z`.
 *
 * Read by digits rather than by `Date.parse`, which knows only the extended format: every request
 * passes here.
 */

/** `YYYYMMDD'T'HHMMSS'Z'`. */
const AMZ_DATE = /^\d{8}T\d{6}Z$/

/** @returns epoch milliseconds; undefined when the text is not a date in the basic format */
export function parseAmzDate(text: string): number | undefined {
  if (!AMZ_DATE.test(text)) return undefined
  const year = digits(text, 0) * 100 + digits(text, 2)
  const month = digits(text, 4)
  const day = digits(text, 6)
  const hour = digits(text, 9)
  const minute = digits(text, 11)
  const second = digits(text, 13)
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return undefined
  // Date.UTC takes years below 100 for 19xx and rolls 31 February over into March.
  if (year < 100 || day < 1 || (day > 28 && day > daysIn(year, month))) return undefined
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/** @param at epoch milliseconds; fractions of a second are dropped */
export function formatAmzDate(at: number): string {
  const iso = new Date(at).toISOString()
  return `${iso.slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}

function digits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}
