/**
 * From when on a report can count exactly: ledgers know hours of the last days, days before that, and of their older form
 * only the month. A span that would begin within one of these begins with it instead, so that no number is a guess. Pure.
 */

import type { Count } from './count-text.ts'

const HOUR_MS = 3_600_000

/**
 * @param asked epoch ms
 * @returns epoch ms: the last moment up to `asked` that splits no count, at the earliest a month's first
 */
export function exactSince(counts: Iterable<Pick<Count, 'from' | 'until'>>, asked: number): number {
  // Spans nest, so that the one which begins first contains whatever else it would have split.
  let since = asked - (asked % HOUR_MS)
  for (const { from, until } of counts) {
    if (from < since && since < until) since = from
  }
  return since
}
