/** Whether a publisher gets data keys of a topic's KMS key, by what the KMS says it would decide. Pure. */

import type { KeyAccess } from '#shared/kms-client'
import type { AccessRequest, Decision, Subject } from '#shared/policy'
import { missingOf } from './missing-statements.ts'
import type { Step } from './report.ts'

/** What is known of the key; `unknown`: nobody here can ask. */
export type ExplainedKey = KeyAccess | { readonly kind: 'missing' } | { readonly kind: 'unknown'; readonly why: string }

/** What is asked of the key for a message: by the publisher when it is accepted, by the worker when it is delivered. */
const ASKED = [
  { step: 'GenerateDataKey', permission: 'GenerateDataKey', rule: 'own' },
  { step: 'Decrypt', permission: 'Decrypt', rule: 'own' },
  { step: 'deliver', permission: 'Decrypt', rule: 'accepted' },
] as const

/** @param o.source for whom a service acts */
export function judgeKey(
  explained: ExplainedKey,
  o: { subject: Subject; source: ReadonlyMap<string, string> },
): Step[] {
  return ASKED.map((asked) => ({ step: asked.step, ...judgePermission(explained, asked, o) }))
}

function judgePermission(
  explained: ExplainedKey,
  { permission, rule }: (typeof ASKED)[number],
  o: Parameters<typeof judgeKey>[1],
): Omit<Step, 'step'> {
  if (explained.kind === 'unknown') return { verdict: 'unknown', why: explained.why, missing: [] }
  if (explained.kind === 'missing') {
    const why = 'the topic names a KMS key that does not exist: create it, or set another KmsMasterKeyId'
    return { verdict: 'refused', why, code: 'KMSNotFound', missing: [] }
  }
  const { keyArn, keyState, keyPolicy } = explained
  const decision = explained.decisions.find((one) => one.permission === permission && one.rule === rule)?.decision
  if (decision === undefined) return { verdict: 'unknown', why: 'the KMS did not say', missing: [] }
  if (!decision.allowed) {
    const request = requestOf(`kms:${permission}`, keyArn, o)
    const missing = missingOf(request, decision, { kind: 'key', arn: keyArn, policy: keyPolicy })
    return { verdict: 'refused', why: whyRefused(decision), code: 'KMSAccessDenied', by: decision.by, missing }
  }
  // About what was accepted the key policy alone decides; identity policies count as if they allowed all.
  const by = rule === 'accepted' ? (decision.through ?? decision.by) : decision.by
  const through = rule === 'accepted' ? undefined : decision.through
  if (keyState === 'Enabled') return { verdict: 'allowed', why: 'allowed', by, through, missing: [] }
  return { verdict: 'refused', ...ofState(keyArn, keyState), by, missing: [] }
}

/** As KMS words it, and what to do. */
function ofState(keyArn: string, state: string): { why: string; code: string } {
  const region = keyArn.split(':')[3] ?? ''
  if (state === 'PendingDeletion') {
    const why = `the KMS key is pending deletion; aws kms cancel-key-deletion --region ${region} --key-id ${keyArn}, then enable-key`
    return { why, code: 'KMSInvalidState' }
  }
  const why = `the KMS key is ${state}; aws kms enable-key --region ${region} --key-id ${keyArn}`
  return { why, code: state === 'Disabled' ? 'KMSDisabled' : 'KMSInvalidState' }
}

function requestOf(action: string, keyArn: string, o: Parameters<typeof judgeKey>[1]): AccessRequest {
  const resourceAccount = keyArn.split(':')[4] ?? ''
  return { subject: o.subject, action, resource: keyArn, resourceAccount, context: o.source }
}

export function whyRefused({ reason, by }: Extract<Decision, { allowed: false }>): string {
  if (reason === 'explicit-deny') {
    return `an explicit Deny in ${by?.source === 'resource' ? 'the resource’s policy' : `an ${by?.source} policy`}; no statement can be added that helps`
  }
  return REASONS[reason]
}

const REASONS = {
  'no-identity-allow': 'no identity policy allows it',
  'no-resource-allow': 'the resource’s policy does not allow it',
  'no-session-allow': 'the session policy does not allow it',
} as const
