/**
 * What a publisher of a topic cost in KMS requests, beside what was to be expected: 2 for each reuse period.
 *
 * Periods are counted from the first data key to the last: in that time there can have been no more keys than
 * floor((last − first) / D) + 1. A steady publisher with one gateway reaches twice that, an idle one stays below,
 * and nothing but what has a purpose of its own goes above. Pure.
 */

export interface PairCalls {
  /** ARN of the publisher. */
  principal: string
  calls: { operation: string; purpose: string; isOk: boolean; count: number }[]
  /** Epoch ms of the first and the last data key; undefined when none was issued. */
  issued: { first: number; last: number } | undefined
}

export interface PairUsage {
  principal: string
  /** Data keys that KMS issued. */
  keys: number
  /** Requests, those that failed too. */
  generate: number
  /** Requests other than GenerateDataKey by purpose, those that failed too. */
  byPurpose: Readonly<Record<string, number>>
  failed: number
  total: number
  periods: number
  /** 2 × periods. */
  predicted: number
  /** Total over predicted; undefined when nothing was to be expected. */
  ratio: number | undefined
}

export function usageOf({ principal, calls, issued }: PairCalls, { reuseMs }: { reuseMs: number }): PairUsage {
  const sum = (of: (call: PairCalls['calls'][number]) => boolean) =>
    calls.filter(of).reduce((total, { count }) => total + count, 0)
  const isGenerate = ({ operation }: { operation: string }) => operation === 'GenerateDataKey'
  const byPurpose: Record<string, number> = {}
  for (const call of calls) {
    if (!isGenerate(call)) byPurpose[call.purpose] = (byPurpose[call.purpose] ?? 0) + call.count
  }
  const total = sum(() => true)
  const periods = issued === undefined ? 0 : Math.floor(Math.max(0, issued.last - issued.first) / reuseMs) + 1
  return {
    principal,
    keys: sum((call) => isGenerate(call) && call.isOk),
    generate: sum(isGenerate),
    byPurpose,
    failed: sum(({ isOk }) => !isOk),
    total,
    periods,
    predicted: 2 * periods,
    ratio: periods === 0 ? undefined : total / (2 * periods),
  }
}
