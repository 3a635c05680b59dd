/** What `--since` takes: a date, a time or a span back from now. Pure. */

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const
const TIME = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/

/**
 * @param text `2026-11-01`, `2026-11-01T08:30`, both in UTC unless the time says otherwise, or `90m`, `24h`, `7d`, `2w`
 * @returns epoch ms; undefined when it is none of these, or not in the past
 */
export function parseSince(text: string, { now }: { now: number }): number | undefined {
  const [, count, unit] = /^(\d{1,5})([mhdw])$/.exec(text) ?? []
  if (count !== undefined) return now - Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]
  const match = TIME.exec(text)
  if (match === null) return undefined
  // A time without a zone would be taken as of the machine's own.
  const isLocal = text.includes('T') && match[1] === undefined
  const at = Date.parse(isLocal ? `${text}Z` : text)
  const day = text.slice(0, 10)
  // 31 February would be taken as 3 March.
  const isDay = !Number.isNaN(Date.parse(day)) && new Date(Date.parse(day)).toISOString().startsWith(day)
  return isDay && at <= now ? at : undefined
}
