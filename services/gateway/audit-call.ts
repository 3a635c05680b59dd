/**
 * Which calls of the gateway are put on the record, and as what. Pure; `shared/audit` writes the line.
 *
 * Denied: what is answered 403, what KMS denies the publisher, and whatever is refused before it is settled who calls.
 * Administrative: the actions listed here, whether they came to be done or not. Messages that were accepted and
 * attributes that were read have metrics, not lines.
 */

import { type AuditedCall, type AuditNotes, recordOf } from '#shared/audit'
import type { WireError } from '#shared/sns-wire'
import type { Caller } from './caller.ts'

/** Actions by which somebody gets something set up, changed or taken away, and those that hand out credentials. */
const ADMINISTRATIVE: ReadonlySet<string> = new Set([
  'AddPermission',
  'AssumeRole',
  'ConfirmSubscription',
  'CreateTopic',
  'DeleteTopic',
  'RemovePermission',
  'SetSubscriptionAttributes',
  'SetTopicAttributes',
  'Subscribe',
  'TagResource',
  'Unsubscribe',
  'UntagResource',
])

/** Codes of denials that SNS does not answer with 403. */
const DENIALS: ReadonlySet<string> = new Set(['KMSAccessDenied'])

/** What the caller was answered. */
export type AnsweredCall = 'ok' | Pick<WireError, 'code' | 'status' | 'fault'>

/** @returns undefined when it is neither denied nor administrative */
export function auditedCallOf(
  answered: AnsweredCall,
  known: {
    /** A known one's name, or `unknown`. */
    action: string
    service: { readonly name: string }
    caller: Caller | undefined
    isAuthenticated: boolean
    notes: AuditNotes
    requestId: string
    sourceIp: string | undefined
  },
): AuditedCall | undefined {
  const { action, service, caller, isAuthenticated, notes, requestId, sourceIp } = known
  const record = recordOf({
    outcome: outcomeOf(answered),
    isAuthenticated,
    isAdministrative: ADMINISTRATIVE.has(action),
  })
  if (record === undefined) return undefined
  return {
    record,
    action: action === 'unknown' ? action : `${service.name}:${action}`,
    requestId,
    code: answered === 'ok' ? 'ok' : answered.code,
    sourceIp,
    principal: caller?.principal.arn,
    accessKeyId: caller?.accessKeyId,
    region: caller?.region,
    notes,
  }
}

function outcomeOf(answered: AnsweredCall): Parameters<typeof recordOf>[0]['outcome'] {
  if (answered === 'ok') return { kind: 'done' }
  if (answered.fault === 'receiver') return { kind: 'failed' }
  return { kind: 'refused', denies: answered.status === 403 || DENIALS.has(answered.code) }
}
