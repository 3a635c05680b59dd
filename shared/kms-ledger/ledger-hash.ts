/**
 * The ledger's hash in Redis: one a topic and month, since months are what KMS bills; its fields are texts.
 *
 *   <principal> \n <operation> \n <purpose> \n ok|failed   → requests
 *   <principal> \n issued                                  → `<first> <last>`, epoch ms of its data keys in that month
 *
 * Nothing vouches for it: a report is all that whoever writes to Redis can falsify. What does not read as one of these
 * is left out, so that no text of theirs reaches an operator's terminal.
 */

import type { PairCalls } from './usage.ts'

export interface LedgerName {
  topicArn: string
  /** UTC, `yyyy-mm`. */
  month: string
}

/** In topics' slots, so that a count can go with other commands of a publish. */
export function ledgerKey({ topicArn, month }: LedgerName): string {
  return `sealcast:{t:${topicArn}}:kms-calls:${month}`
}

/** Redis's pattern of all ledgers' keys, or of a month's. */
export function ledgerKeyPattern(month = '*'): string {
  return `sealcast:{t:*}:kms-calls:${month}`
}

/** @returns undefined when it is no ledger's key */
export function parseLedgerKey(key: string): LedgerName | undefined {
  const [, topicArn, month] = /^sealcast:\{t:(arn:[\w:.-]{1,512})\}:kms-calls:(\d{4}-\d{2})$/.exec(key) ?? []
  return topicArn === undefined || month === undefined ? undefined : { topicArn, month }
}

/** The month of a moment, in UTC as bills are. */
export function monthOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 7)
}

export function countField(o: { principal: string; operation: string; purpose: string; isOk: boolean }): string {
  return [o.principal, o.operation, o.purpose, o.isOk ? 'ok' : 'failed'].join('\n')
}

export function issuedField(principal: string): string {
  return `${principal}\nissued`
}

/** IAM's and STS's characters, or a service's name; and a hash of what limits a publisher beyond its policies. */
const NAME = String.raw`arn:aws[a-z-]*:(?:iam|sts)::\d{12}:[\w+=,.@/:-]{1,640}|[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}`
const PRINCIPAL = String.raw`(?:${NAME})(?:#[\w-]{1,64})?`
const COUNT = new RegExp(String.raw`^(${PRINCIPAL})\n([A-Za-z]{1,64})\n([a-z-]{1,32})\n(ok|failed)$`)
const ISSUED = new RegExp(String.raw`^(${PRINCIPAL})\nissued$`)

/**
 * A purpose that is a name of every object's would be found where it was never counted.
 *
 * @returns one for each publisher, by ARN; only what reads as the ledger's
 */
export function parseLedger(fields: Readonly<Record<string, string>>): PairCalls[] {
  const pairs = new Map<string, PairCalls>()
  const pairOf = (principal: string): PairCalls => {
    const pair = pairs.get(principal) ?? { principal, calls: [], issued: undefined }
    pairs.set(principal, pair)
    return pair
  }
  for (const [field, value] of Object.entries(fields)) {
    const [, principal, operation, purpose, outcome] = COUNT.exec(field) ?? []
    const [, issuedTo] = ISSUED.exec(field) ?? []
    const count = countOf(value)
    if (principal && operation && purpose && count !== undefined && !(purpose in Object.prototype)) {
      pairOf(principal).calls.push({ operation, purpose, isOk: outcome === 'ok', count })
    } else if (issuedTo !== undefined) {
      const [, first, last] = /^(\d{1,15}) (\d{1,15})$/.exec(value) ?? []
      if (first && last) pairOf(issuedTo).issued = { first: Number(first), last: Number(last) }
    }
  }
  return [...pairs.values()].sort((a, b) => (a.principal < b.principal ? -1 : 1))
}

function countOf(value: string): number | undefined {
  const count = /^\d{1,15}$/.test(value) ? Number(value) : 0
  return count > 0 ? count : undefined
}
