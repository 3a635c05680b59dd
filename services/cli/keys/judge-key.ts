/** Whether a KMS key can be disabled without holding up a message, and why not. Pure. */

import { countWaiting, type KeyUsage, type KeyUsageReport } from './key-usage.ts'

export type Objection =
  /** Messages that are to be delivered need it. */
  | { kind: 'needed'; messages: number }
  /** The next publish to these topics asks for it. */
  | { kind: 'configured'; topics: readonly string[] }
  /** A gateway may hold a data key of it. */
  | { kind: 'sealing'; until: number }
  /** Of these topics it cannot be told which key they are configured with. */
  | { kind: 'unresolved'; topics: readonly string[] }

/** @returns what stands against disabling it; empty: nothing does */
export function judgeKey(
  { messages, topics, sealsUntil }: KeyUsage,
  { unresolved, now }: { unresolved: KeyUsageReport['unresolved']; now: number },
): Objection[] {
  const objections: Objection[] = []
  const waiting = countWaiting(messages)
  if (waiting > 0) objections.push({ kind: 'needed', messages: waiting })
  if (topics.length > 0) objections.push({ kind: 'configured', topics })
  if (sealsUntil !== undefined && sealsUntil > now) objections.push({ kind: 'sealing', until: sealsUntil })
  if (unresolved.length > 0) {
    objections.push({ kind: 'unresolved', topics: unresolved.map(({ topicArn }) => topicArn) })
  }
  return objections
}
