/**
 * Which calls of the KMS are put on the record, and as what. Pure; `shared/audit` writes the line.
 *
 * Denied: what is refused for want of a permission, and whatever is refused before it is settled who calls.
 * Administrative: the operations listed here, whether they came to be done or not. Cryptographic operations that were
 * allowed, and what only reads, have a line in the log of requests.
 */

import { type AuditedCall, type AuditNotes, recordOf } from '#shared/audit'
import type { Identity } from './authenticate.ts'

/** Operations that change a key, who may use it, or what a name means. */
export const ADMINISTRATIVE: ReadonlySet<string> = new Set([
  'CancelKeyDeletion',
  'CreateAlias',
  'CreateGrant',
  'CreateKey',
  'DeleteAlias',
  'DisableKey',
  'DisableKeyRotation',
  'EnableKey',
  'EnableKeyRotation',
  'PutKeyPolicy',
  'RetireGrant',
  'RevokeGrant',
  'RotateKeyOnDemand',
  'ScheduleKeyDeletion',
  'TagResource',
  'UntagResource',
  'UpdateAlias',
  'UpdateKeyDescription',
])

const DENIALS: ReadonlySet<string> = new Set(['AccessDeniedException', 'NotAuthorizedException'])

/** What the caller was answered: `ok`, or KMS's name of the error and its status. */
export type AnsweredCall = 'ok' | { readonly name: string; readonly status: number }

/** @returns undefined when it is neither denied nor administrative */
export function auditedCallOf(
  answered: AnsweredCall,
  known: {
    /** One of KMS's model; undefined: none of them. */
    operation: string | undefined
    /** undefined: it was not settled who calls. */
    identity: Identity | undefined
    notes: AuditNotes
    requestId: string
    sourceIp: string | undefined
  },
): AuditedCall | undefined {
  const { operation, identity, notes, requestId, sourceIp } = known
  const record = recordOf({
    outcome: outcomeOf(answered),
    isAuthenticated: identity !== undefined,
    isAdministrative: ADMINISTRATIVE.has(operation ?? ''),
  })
  if (record === undefined) return undefined
  return {
    record,
    action: operation === undefined ? 'unknown' : `kms:${operation}`,
    requestId,
    code: answered === 'ok' ? 'ok' : answered.name,
    sourceIp,
    principal: identity?.arn,
    accessKeyId: identity?.accessKeyId,
    region: identity?.region,
    onBehalfOf: identity?.onBehalfOf?.arn,
    notes,
  }
}

function outcomeOf(answered: AnsweredCall): Parameters<typeof recordOf>[0]['outcome'] {
  if (answered === 'ok') return { kind: 'done' }
  if (answered.status >= 500) return { kind: 'failed' }
  return { kind: 'refused', denies: DENIALS.has(answered.name) }
}
