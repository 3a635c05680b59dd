/**
 * KMS requests over up to one reuse period: in a second there is mostly none, and a period is what the prediction is of. Pure.
 *
 * The ratio is shown once a whole period was watched: a part of one holds the refreshes of whoever's turn it was.
 */

export interface KmsWindow {
  /** Of the time that was watched, at most one reuse period. */
  readonly windowSeconds: number
  readonly windowCalls: number
  readonly windowPerSecond: number | undefined
  /** Requests over what was predicted for this number of gateways. */
  readonly ratio: number | undefined
  /** Oldest first; what the window consists of. */
  readonly parts: readonly KmsPart[]
}

interface KmsPart {
  readonly seconds: number
  readonly calls: number
  /** Requests predicted for it: pairs come and go. */
  readonly predicted: number | undefined
}

/** Where no process tells its own. */
const REUSE_SECONDS = 300
const MAX_PARTS = 3_000

export function kmsWindow(
  last: Pick<KmsWindow, 'parts'> | undefined,
  o: { calls: number; seconds: number; reuseSeconds: number | undefined; predictedPerSecond: number | undefined },
): KmsWindow {
  const period = o.reuseSeconds ?? REUSE_SECONDS
  const predicted = o.predictedPerSecond === undefined ? undefined : o.predictedPerSecond * o.seconds
  const parts = [...(last?.parts ?? []), { seconds: o.seconds, calls: o.calls, predicted }].slice(-MAX_PARTS)
  const sum = (of: (part: KmsPart) => number) => parts.reduce((total, part) => total + of(part), 0)
  // Without its oldest part it must still be a whole period.
  while (parts.length > 1 && sum(({ seconds }) => seconds) - (parts[0]?.seconds ?? 0) >= period) parts.shift()
  const [seconds, calls] = [sum((part) => part.seconds), sum((part) => part.calls)]
  const expected = parts.every((part) => part.predicted !== undefined) ? sum((part) => part.predicted ?? 0) : 0
  // Pages come some milliseconds early or late.
  const isWhole = seconds >= 0.99 * period
  return {
    windowSeconds: seconds,
    windowCalls: calls,
    windowPerSecond: seconds > 0 ? calls / seconds : undefined,
    ratio: isWhole && expected > 0 ? calls / expected : undefined,
    parts,
  }
}
