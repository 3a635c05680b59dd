/**
 * What becomes of an entry, a retry, or an error: values, computed without effects and applied by
 * the loops.
 *
 * Quarantine is for what can never become right: a MAC, an envelope or a KMS answer that does not
 * verify. Anything else that keeps an entry from being tried (a KMS key that is denied, disabled or
 * out of reach, Redis, a fault of ours) holds it: it stays pending, consumes no attempt, and is read
 * again.
 */

import { BrokerError } from '#shared/errors'
import type { AttemptOutcome } from './classify-outcome.ts'

/** What follows from one attempt. `delaySeconds` are those of the retry policy, before jitter. */
export type AttemptDecision =
  | { kind: 'delivered' }
  | { kind: 'retry'; delaySeconds: number; reason: string }
  | { kind: 'failed'; reason: string }

/**
 * @param attempt 1 for the first one
 * @param delays seconds before each retry of the policy in force
 */
export function decideAttempt(
  outcome: AttemptOutcome,
  { attempt, delays }: { attempt: number; delays: readonly number[] },
): AttemptDecision {
  if (outcome.kind === 'delivered') return outcome
  const delaySeconds = outcome.kind === 'retryable' ? delays[attempt - 1] : undefined
  return delaySeconds === undefined
    ? { kind: 'failed', reason: outcome.reason }
    : { kind: 'retry', delaySeconds, reason: outcome.reason }
}

/** Where the first attempt at one subscription ended. */
export type Fate =
  /** Delivered, or given up. */
  | { kind: 'over' }
  | { kind: 'retry'; delaySeconds: number }
  /** There was no room for an attempt, or one is under way that takes long. */
  | { kind: 'waits'; underWay: Promise<AttemptDecision> | undefined }

/** What is to come for one subscription of an entry that leaves the stream. */
export type Later = { subscriptionId: string } & Exclude<Fate, { kind: 'over' }>

export type EntryDecision =
  | { kind: 'settle' }
  /** Body record and backlogs first, then a job for each retry, then the entry is settled. */
  | { kind: 'hand-off'; later: readonly Later[] }
  /** It stays pending and is read again. */
  | { kind: 'hold'; reason: string }
  /** It waits in the held stream of its KMS key. */
  | { kind: 'hold-for-key'; keyArn: string; reason: string }
  | { kind: 'quarantine'; reason: string }
  /** The lease is gone: nothing is decided, the next owner starts over. */
  | { kind: 'abandon' }

export function fateOf(decision: AttemptDecision): Fate {
  return decision.kind === 'retry' ? { kind: 'retry', delaySeconds: decision.delaySeconds } : { kind: 'over' }
}

/** After the first attempts of all subscriptions of an entry. */
export function decideEntry(fates: readonly { subscriptionId: string; fate: Fate }[]): EntryDecision {
  const later: Later[] = []
  for (const { subscriptionId, fate } of fates) if (fate.kind !== 'over') later.push({ subscriptionId, ...fate })
  return later.length === 0 ? { kind: 'settle' } : { kind: 'hand-off', later }
}

/** Codes of what quarantines an entry. */
export const NEVER_RIGHT: ReadonlySet<string> = new Set([
  'RECORD_FORGED',
  'ENTRY_MALFORMED',
  'ENVELOPE_MALFORMED',
  'ENVELOPE_AUTHENTICATION_FAILED',
  'KMS_INTEGRITY',
])

/** What an error while reading, verifying or opening an entry means for it. */
export function decideError(error: unknown): { kind: 'hold' | 'quarantine'; reason: string } {
  if (!(error instanceof BrokerError)) return { kind: 'hold', reason: 'UNEXPECTED' }
  return { kind: NEVER_RIGHT.has(error.code) ? 'quarantine' : 'hold', reason: error.code }
}
