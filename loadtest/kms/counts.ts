/**
 * The same requests counted in three places, none of which knows of the others: by the KMS that answered them, by the
 * gateways and workers that made them, and in the ledger in Redis. And what it means when they differ. Pure.
 */

import { type Labels, samplesOf, sumOf } from './metrics-page.ts'

/** GenerateDataKey and Decrypt, those that failed too. */
export interface RequestCounts {
  readonly GenerateDataKey: number
  readonly Decrypt: number
}

/** What the pages of all processes say at one moment. */
export interface PagesCount {
  /** Undefined where no KMS of ours tells: AWS KMS has no such page. */
  readonly served: RequestCounts | undefined
  readonly made: RequestCounts
  /** Requests the callers know to be missing from the ledger. */
  readonly lost: number
}

export type Operation = keyof RequestCounts

/** A publisher of a topic, as the ledger has it (`sealcast kms calls --json`). */
export interface LedgerPair {
  readonly topicArn: string
  readonly principal: string
  /** GenerateDataKey that gave a key, and all. */
  readonly keys: number
  readonly generate: number
  readonly byPurpose: Readonly<Record<string, number>>
  readonly failed: number
  readonly total: number
}

export function totalOf({ GenerateDataKey, Decrypt }: RequestCounts): number {
  return GenerateDataKey + Decrypt
}

export function minus(a: RequestCounts, b: RequestCounts): RequestCounts {
  return { GenerateDataKey: a.GenerateDataKey - b.GenerateDataKey, Decrypt: a.Decrypt - b.Decrypt }
}

/** @returns whether they agree in each operation, which their sums alone would not tell */
export function sameCounts([first, ...others]: readonly RequestCounts[]): boolean {
  return others.every((each) => each.GenerateDataKey === first?.GenerateDataKey && each.Decrypt === first?.Decrypt)
}

/** @param kmsPage the KMS's own, if any */
export function countPages(pages: readonly string[], kmsPage: string | undefined): PagesCount {
  const of = (page: string, name: string, operation: Operation) =>
    sumOf(page, name, (labels: Labels) => labels.operation === operation)
  const both = (count: (operation: Operation) => number): RequestCounts => ({
    GenerateDataKey: count('GenerateDataKey'),
    Decrypt: count('Decrypt'),
  })
  const overPages = (name: string) => (operation: Operation) =>
    pages.reduce((sum, page) => sum + of(page, name, operation), 0)
  return {
    served: kmsPage === undefined ? undefined : both((each) => of(kmsPage, 'sealcast_kms_served_requests_total', each)),
    made: both(overPages('sealcast_kms_requests_total')),
    lost: pages.reduce((sum, page) => sum + sumOf(page, 'sealcast_kms_ledger_lost_total'), 0),
  }
}

/** Requests of one kind and outcome, by those who made them. */
export interface RequestGroup {
  readonly operation: string
  readonly purpose: string
  /** `ok`, or the error's code. */
  readonly outcome: string
  readonly count: number
}

/** GenerateDataKey and Decrypt on some pages together, those that went well first. */
export function groupRequests(pages: readonly string[]): RequestGroup[] {
  const groups = new Map<string, RequestGroup>()
  for (const { labels, value } of pages.flatMap((page) => samplesOf(page, 'sealcast_kms_requests_total'))) {
    const { operation = '', purpose = '', outcome = '' } = labels
    if (!isOperation(operation) || value === 0) continue
    const name = [outcome !== 'ok', operation !== 'GenerateDataKey', purpose, outcome].join(' ')
    groups.set(name, { operation, purpose, outcome, count: value + (groups.get(name)?.count ?? 0) })
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group)
}

export function countGroups(groups: readonly RequestGroup[], only: Partial<RequestGroup>): number {
  const fits = (group: RequestGroup) =>
    (only.purpose ?? group.purpose) === group.purpose && (only.outcome ?? group.outcome) === group.outcome
  return groups.reduce((sum, group) => (fits(group) ? sum + group.count : sum), 0)
}

function isOperation(name: string): name is Operation {
  return name === 'GenerateDataKey' || name === 'Decrypt'
}

export function sumLedger(pairs: readonly LedgerPair[]): RequestCounts {
  const sum = (of: (pair: LedgerPair) => number) => pairs.reduce((total, pair) => total + of(pair), 0)
  return { GenerateDataKey: sum(({ generate }) => generate), Decrypt: sum(({ generate, total }) => total - generate) }
}

/** All of a purpose, `issue` being every GenerateDataKey. */
export function byPurpose(pairs: readonly LedgerPair[]): Map<string, number> {
  const counts = new Map<string, number>([['issue', sumLedger(pairs).GenerateDataKey]])
  for (const pair of pairs) {
    for (const [purpose, count] of Object.entries(pair.byPurpose)) {
      counts.set(purpose, (counts.get(purpose) ?? 0) + count)
    }
  }
  return counts
}

export interface Comparison {
  /** Sentences; what is not explained is among the problems instead. */
  readonly explained: readonly string[]
  readonly problems: readonly string[]
}

/**
 * Requests − ledger, step by step: the KMS's count, the callers' count, the ledger.
 *
 * @param o.faulty whether the KMS was told to refuse or to stay silent
 */
export function compareCounts(o: {
  served: RequestCounts | undefined
  made: RequestCounts
  ledger: RequestCounts
  lost: number
  faulty: boolean
}): Comparison {
  const explained: string[] = []
  const problems: string[] = []
  const [made, inLedger] = [totalOf(o.made), totalOf(o.ledger)]
  if (o.served !== undefined) {
    const served = totalOf(o.served)
    if (served > made) {
      const what = `The KMS answered ${served - made} requests more than gateways and workers counted`
      if (o.faulty) explained.push(`${what}: those whose caller had given up, or was gone, when the answer came.`)
      else problems.push(`${what}, without any fault.`)
    } else if (served < made) {
      problems.push(`Gateways and workers made ${made - served} requests more than the KMS answered.`)
    }
  }
  const missing = made - inLedger
  if (missing > 0 && missing <= o.lost) {
    explained.push(`The ledger lacks ${missing} requests that Redis did not take, as its writers say.`)
  } else if (missing !== 0) {
    problems.push(
      missing > 0
        ? `The ledger lacks ${missing} requests, of which its writers know ${o.lost}.`
        : `The ledger has ${-missing} requests more than gateways and workers made.`,
    )
  }
  if (explained.length + problems.length === 0) {
    const places = o.served === undefined ? 'gateways and workers' : 'the KMS, gateways and workers'
    if (sameCounts([o.made, o.ledger, ...(o.served === undefined ? [] : [o.served])])) {
      explained.push(`The counts of ${places} and of the ledger are equal.`)
    } else {
      problems.push(`The counts of ${places} and of the ledger are equal together, but not of each operation.`)
    }
  }
  return { explained, problems }
}
