/** Whether a run passed, failed, or says nothing about the broker. Pure. */

import { formatNumber, formatValue } from '../report/format-value.ts'
import type { Verdict } from '../report/load-report.ts'
import { type Account, findMiscounts } from './account.ts'
import type { Growth } from './growth.ts'

export interface Measured {
  readonly account: Account
  /** Messages a second of the measured span. */
  readonly offeredRate: number
  readonly achievedRate: number
  /** NaN where nothing was measured. */
  readonly publishP99Ms: number
  readonly endToEndP99Ms: number
  readonly lateP99Ms: number
  /** Cores that the busiest generator used; a process sends with one. */
  readonly generatorCores: number
  readonly failed: number
  readonly firstError: string | undefined
  readonly growths: readonly Growth[]
}

export interface Limits {
  readonly maxErrors: number
  readonly minAchieved: number
  /** 0: not judged. */
  readonly maxP99: number
  readonly maxEndToEndP99: number
  readonly maxLate: number
}

/** The thread that sends, and some of that which signs ahead. */
const BUSY_CORES = 1.2

export function judge(measured: Measured, limits: Limits, interrupted: boolean): Verdict {
  const { account } = measured
  // What is lost is lost, however busy the generator was.
  const miscounts = findMiscounts(account)
  const doubts: string[] = []
  // Rates and percentiles of nothing keep every limit, or miss it for no reason of the broker's.
  if (!(measured.offeredRate > 0)) {
    const doubt = 'Nothing was measured: the run was over before any message of its measured span was due.'
    return { outcome: miscounts.length > 0 ? 'failed' : 'invalid', interrupted, reasons: [...miscounts, doubt] }
  }
  if (measured.lateP99Ms > limits.maxLate) {
    doubts.push(
      `The generator was the limit: it sent late itself, by ${formatValue(measured.lateP99Ms, 'ms')} at the p99, ` +
        `and ${formatValue(limits.maxLate, 'ms')} are allowed. Use more --generators, or fewer messages a second.`,
    )
  }
  if (measured.generatorCores > BUSY_CORES) {
    doubts.push(
      `The generator was the limit: one process of it used ${formatNumber(measured.generatorCores)} cores. Use more --generators.`,
    )
  }
  const misses: string[] = []
  const share = account.offered === 0 ? 0 : measured.failed / account.offered
  if (share > limits.maxErrors) {
    misses.push(
      `${formatNumber(measured.failed)} of ${formatNumber(account.offered)} messages were refused or failed, ` +
        `most of them with ${measured.firstError}; a share of ${limits.maxErrors} is allowed.`,
    )
  }
  if (measured.achievedRate < limits.minAchieved * measured.offeredRate) {
    misses.push(
      `${formatValue(measured.achievedRate, 'per second')} were reached of the ${formatValue(measured.offeredRate, 'per second')} offered; ` +
        `a share of ${limits.minAchieved} is wanted.`,
    )
  }
  const slow = (what: string, ms: number, limit: number) => {
    if (limit > 0 && !(ms <= limit))
      misses.push(`The p99 ${what} is ${formatValue(ms, 'ms')}; ${limit} ms are allowed.`)
  }
  slow('of publishing', measured.publishP99Ms, limits.maxP99)
  slow('to the subscriber', measured.endToEndP99Ms, limits.maxEndToEndP99)
  for (const { name, slope, isGrowing } of measured.growths) {
    if (isGrowing) {
      misses.push(
        `Memory of ${name} grows: ${formatValue(slope.perHour, 'bytes per hour')}, ` +
          `and surely by more than ${formatValue(slope.leastPerHour, 'bytes per hour')}.`,
      )
    }
  }
  const outcome =
    miscounts.length > 0 ? 'failed' : doubts.length > 0 ? 'invalid' : misses.length > 0 ? 'failed' : 'passed'
  return { outcome, interrupted, reasons: [...miscounts, ...doubts, ...misses] }
}
