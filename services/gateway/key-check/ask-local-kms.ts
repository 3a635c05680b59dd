/** Asks the local KMS, which knows key policies and grants: what it would decide, without a data key. */

import { type ExplainKeyAccess, type KeyAccess, qualifyKeyId } from '#shared/kms-client'
import { compilePolicy } from '#shared/policy'
import type { Principal } from '#shared/principals'
import { dependsOnRequest } from './depends-on-request.ts'
import type { BrokenReason, KeyAnswer, KeyQuestion } from './key-question.ts'

/** Each is a request, one after the other: a few tenths of a second together. */
const LIMIT = 100

const SNS_ALIAS = 'alias/aws/sns'

export function askLocalKms(explain: ExplainKeyAccess): KeyQuestion {
  return {
    limit: LIMIT,
    async ask({ principal, keyId, topicArn, signal }) {
      const named = principal.roleArn ?? principal.arn
      const access = await explain({ keyId, topicArn, principal: named, signal })
      if (access.kind === 'key') return answerOf(access, principal)
      // The first publish makes it.
      if (qualifyKeyId(keyId, topicArn) === qualifyKeyId(SNS_ALIAS, topicArn)) return { kind: 'unclear' }
      return { kind: 'broken', reason: 'missing', why: 'there is no such KMS key' }
    },
  }
}

function answerOf({ keyState, keyPolicy, decisions }: KeyAccess, principal: Principal): KeyAnswer {
  if (keyState !== 'Enabled') {
    return { kind: 'broken', reason: REASONS.get(keyState) ?? 'unavailable', why: `the KMS key is ${keyState}` }
  }
  const own = decisions.filter(({ rule }) => rule === 'own')
  if (own.length > 0 && own.every(({ decision }) => decision.allowed)) return { kind: 'allowed' }
  const policies = [compilePolicy(keyPolicy, { kind: 'key' }), ...principal.policies.map(({ policy }) => policy)]
  return { kind: dependsOnRequest(principal, policies) ? 'unclear' : 'refused' }
}

const REASONS: ReadonlyMap<string, BrokenReason> = new Map([
  ['Disabled', 'disabled'],
  ['PendingDeletion', 'pending-deletion'],
])
