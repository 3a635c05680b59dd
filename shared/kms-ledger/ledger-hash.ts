/**
 * The ledger's hash in Redis: one a topic and month, since months are what KMS bills; its fields are texts.
 *
 *   <principal> \n <operation> \n <purpose> \n ok|failed \n <KMS key>   → requests by day and hour (count-text.ts)
 *   <principal> \n issued \n <KMS key>                                 → `<first> <last>`, epoch ms of its data keys in that month
 *
 * Ledgers that began before keys and hours were kept have such fields without the key, and one number for the month. They
 * are read beside the others: a request is in one of the two.
 *
 * Nothing vouches for it: a report is all that whoever writes to Redis can falsify. What does not read as one of these
 * is left out, so that no text of theirs reaches an operator's terminal.
 */

import { type Count, parseCountText, wholeMonth } from './count-text.ts'

export interface LedgerName {
  topicArn: string
  /** UTC, `yyyy-mm`. */
  month: string
}

/** Requests of one kind in one span: an hour, a day or, of an older form, the month. */
export interface LedgerCount extends Count {
  /** ARN of the publisher. */
  principal: string
  operation: string
  purpose: string
  isOk: boolean
  /** ARN of the KMS key, or the identifier where KMS was not heard to say it; undefined when it was not kept. */
  key: string | undefined
}

/** Epoch ms of the first and the last data key in the month. */
export interface LedgerIssue {
  principal: string
  key: string | undefined
  first: number
  last: number
}

export interface LedgerPage {
  counts: LedgerCount[]
  issues: LedgerIssue[]
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
  const [, topicArn, month] =
    /^sealcast:\{t:(arn:[\w:.-]{1,512})\}:kms-calls:(\d{4}-(?:0[1-9]|1[0-2]))$/.exec(key) ?? []
  return topicArn === undefined || month === undefined ? undefined : { topicArn, month }
}

/** The month of a moment, in UTC as bills are. */
export function monthOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 7)
}

interface Counted {
  principal: string
  operation: string
  purpose: string
  isOk: boolean
  key: string
}

export function countField({ principal, operation, purpose, isOk, key }: Counted): string {
  return [principal, operation, purpose, isOk ? 'ok' : 'failed', keyText(key)].join('\n')
}

export function issuedField({ principal, key }: { principal: string; key: string }): string {
  return [principal, 'issued', keyText(key)].join('\n')
}

/** IAM's and STS's characters, or a service's name; and a hash of what limits a publisher beyond its policies. */
const NAME = String.raw`arn:aws[a-z-]*:(?:iam|sts)::\d{12}:[\w+=,.@/:-]{1,640}|[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}`
const PRINCIPAL = String.raw`(?:${NAME})(?:#[\w-]{1,64})?`
/** KMS's characters for ids, aliases and their ARNs. */
const KEY = String.raw`[\w:/.-]{1,512}`
const ONLY_KEY = new RegExp(`^${KEY}$`)
const COUNT = new RegExp(String.raw`^(${PRINCIPAL})\n([A-Za-z]{1,64})\n([a-z-]{1,32})\n(ok|failed)(?:\n(${KEY}))?$`)
const ISSUED = new RegExp(String.raw`^(${PRINCIPAL})\nissued(?:\n(${KEY}))?$`)

/** A topic can be given any text as its key; KMS then refuses it. */
function keyText(key: string): string {
  return ONLY_KEY.test(key) ? key : 'malformed'
}

/**
 * A purpose that is a name of every object's would be found where it was never counted.
 *
 * @returns only what reads as the ledger's
 */
export function parseLedger(fields: Readonly<Record<string, string>>, { month }: { month: string }): LedgerPage {
  const page: LedgerPage = { counts: [], issues: [] }
  for (const [field, value] of Object.entries(fields)) {
    const [, principal, operation, purpose, outcome, key] = COUNT.exec(field) ?? []
    if (principal && operation && purpose && !(purpose in Object.prototype)) {
      const counts = key === undefined ? wholeMonth(value, month) : parseCountText(value, month)
      const isOk = outcome === 'ok'
      page.counts.push(...counts.map((count) => ({ principal, operation, purpose, isOk, key, ...count })))
      continue
    }
    const [, issuedTo, keyOfIssue] = ISSUED.exec(field) ?? []
    const [, first, last] = /^(\d{1,15}) (\d{1,15})$/.exec(value) ?? []
    if (issuedTo !== undefined && first && last) {
      page.issues.push({ principal: issuedTo, key: keyOfIssue, first: Number(first), last: Number(last) })
    }
  }
  return page
}
