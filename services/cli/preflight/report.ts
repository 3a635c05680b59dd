/** What `sealcast preflight` finds out: for each publisher and each subscription, step by step. */

import type { DecidingStatement, PlainStatement } from '#shared/policy'

export type Verdict = 'allowed' | 'refused' | 'unknown'

export interface Step {
  readonly step: 'publish' | 'GenerateDataKey' | 'Decrypt' | 'deliver'
  readonly verdict: Verdict
  /** One sentence, without its full stop. */
  readonly why: string
  /** The code that the publisher would be answered with. */
  readonly code?: string | undefined
  readonly by?: DecidingStatement | undefined
  /** The statement of the resource's policy that `by` needs as well. */
  readonly through?: DecidingStatement | undefined
  /** Each of them has to be put in place. */
  readonly missing: readonly Missing[]
}

/** With all that SNS needs on a key in one statement. */
export type PastedStatement = Omit<PlainStatement, 'Action'> & { readonly Action: string | readonly string[] }

/** A statement that would have to be there, and how to put it there. */
export interface Missing {
  readonly policy: 'identity policy' | 'topic policy' | 'key policy' | 'session policy'
  /** ARN of the principal, topic or key. */
  readonly of: string
  readonly statement: PastedStatement
  /** The whole document with the statement added, as the command takes it. */
  readonly document?: object | undefined
  /** For a shell; undefined: only whoever starts the session can. */
  readonly command?: string | undefined
}

export interface PublisherReport {
  /** ARN, or the name of a service. */
  readonly publisher: string
  readonly verdict: Verdict
  readonly steps: readonly Step[]
}

export interface SubscriptionReport {
  readonly subscription: string
  readonly protocol: string
  readonly verdict: Verdict
  readonly steps: readonly Step[]
}

export interface PreflightReport {
  readonly topicArn: string
  readonly verdict: Verdict
  /** As the topic is configured; undefined: the topic is not sealed. */
  readonly keyId?: string | undefined
  readonly keyArn?: string | undefined
  readonly keyState?: string | undefined
  readonly publishers: readonly PublisherReport[]
  readonly subscriptions: readonly SubscriptionReport[]
  /** What was taken for granted, or could not be looked at. */
  readonly notes: readonly string[]
}

/** Refused before unknown: one that is certain says more. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('refused')) return 'refused'
  return verdicts.includes('unknown') ? 'unknown' : 'allowed'
}
