/** The months of SNS's encryption guide, and shorter spans that show what several gateways and idle publishers cost. */

import { idlePublisher, irregularPublishers, type Publisher, steadyPublishers } from './publishers.ts'
import { type OnDay, type Simulated, simulate } from './simulate.ts'

export interface Case {
  name: string
  /** Publishers of each topic. */
  topics: readonly number[]
  days: number
  gateways: number
  workers: number
  publishers: readonly Publisher[]
  startsAt: number
  /** Requests: as many, or at most as many. */
  expected: { exactly: number } | { atMost: number }
}

export interface CaseResult extends Simulated {
  requests: number
  ledgerRequests: number
  problems: readonly string[]
}

const JANUARY = Date.UTC(2026, 0, 1)
const FEBRUARY = Date.UTC(2026, 1, 1)
const PERIODS_PER_DAY = 288

/** @param o.days of each, a multiple of a reuse period; whole months unless told */
export function monthCases({ days }: { days?: number } = {}): Case[] {
  return [
    steady("SNS guide's example 1", { topics: [1], days: days ?? 31, startsAt: JANUARY }),
    steady("SNS guide's example 2", { topics: [3, 5], days: days ?? 28, startsAt: FEBRUARY, workers: 2 }),
  ]
}

/**
 * @param o.days each, a multiple of a reuse period
 * @param o.random decides when irregular publishers publish
 */
export function shortCases({ days, random }: { days: number; random: () => number }): Case[] {
  const o = { topics: [3, 5], days, startsAt: JANUARY }
  const irregular = steady('gaps of 10 to 60 s', { ...o, workers: 2 })
  const idle = steady('a message a day', { topics: [1], days: 28, startsAt: FEBRUARY })
  return [
    ...[1, 2, 4].map((workers) => steady('steady', { ...o, workers })),
    ...[2, 3].map((gateways) => steady('steady, shared by gateways', { ...o, gateways, workers: 2 })),
    {
      ...irregular,
      publishers: irregularPublishers(o.topics, random),
      expected: { atMost: 2 * 8 * PERIODS_PER_DAY * days },
    },
    { ...idle, publishers: idlePublisher(), expected: { exactly: 2 * idle.days } },
  ]
}

export async function runCase(each: Case, onDay?: OnDay): Promise<CaseResult> {
  const simulated = await simulate({ ...each, ...(onDay && { onDay }) })
  const { served, ledger } = simulated
  const requests = served.GenerateDataKey + served.Decrypt
  const ledgerRequests = ledger.reduce((sum, { total }) => sum + total, 0)
  const problems: string[] = []
  const { expected } = each
  const isAsExpected = 'exactly' in expected ? requests === expected.exactly : requests <= expected.atMost
  if (!isAsExpected) problems.push(`${requests} requests`)
  for (const { topicArn, principal, total } of ledger) {
    const logged = served.byPair.get(`${topicArn} ${principal}`)
    if (logged !== total) problems.push(`the ledger has ${total} of ${principal}, the KMS's log ${logged}`)
  }
  if (ledger.length !== served.byPair.size) problems.push('the ledger has other publishers than the log')
  return { ...simulated, requests, ledgerRequests, problems }
}

export function describeCase({ name, topics, days, gateways, workers }: Case): string {
  const publishers = topics.reduce((sum, count) => sum + count, 0)
  return `${name}, ${topics.length} topics, ${publishers} publishers, ${days} days, ${gateways} gateways, ${workers} workers`
}

export function describeExpected({ expected }: Case): string {
  return 'exactly' in expected ? `${expected.exactly}` : `at most ${expected.atMost}`
}

/** Of steady publishers: one GenerateDataKey, one Decrypt for each further gateway, one for the worker. */
function steady(
  name: string,
  o: { topics: readonly number[]; days: number; startsAt: number; gateways?: number; workers?: number },
): Case {
  const { gateways = 1, workers = 1 } = o
  const pairs = o.topics.reduce((sum, publishers) => sum + publishers, 0)
  const exactly = (gateways + 1) * pairs * PERIODS_PER_DAY * o.days
  return { ...o, name, gateways, workers, publishers: steadyPublishers(o.topics), expected: { exactly } }
}
