/** Adds a ledger's counts up over keys and time: what each publisher of the topic did in the month. Pure. */

import type { LedgerPage } from './ledger-hash.ts'
import type { PairCalls } from './usage.ts'

/** @returns one for each publisher, by ARN */
export function pairCallsOf({ counts, issues }: LedgerPage): PairCalls[] {
  const pairs = new Map<string, PairCalls>()
  const pairOf = (principal: string): PairCalls => {
    const pair = pairs.get(principal) ?? { principal, calls: [], issued: undefined }
    pairs.set(principal, pair)
    return pair
  }
  for (const { principal, operation, purpose, isOk, count } of counts) {
    const { calls } = pairOf(principal)
    const known = calls.find((call) => call.operation === operation && call.purpose === purpose && call.isOk === isOk)
    if (known === undefined) calls.push({ operation, purpose, isOk, count })
    else known.count += count
  }
  for (const { principal, first, last } of issues) {
    const pair = pairOf(principal)
    const { issued = { first, last } } = pair
    pair.issued = { first: Math.min(issued.first, first), last: Math.max(issued.last, last) }
  }
  return [...pairs.values()].sort((a, b) => (a.principal < b.principal ? -1 : 1))
}
