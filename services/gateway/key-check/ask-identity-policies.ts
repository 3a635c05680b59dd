/**
 * With AWS KMS: what the gateway itself demands of a publisher, which is in its identity policies. Key policy, grants and
 * state are KMS's to know, so that what is said here is `refused` at most, and nothing of a key that is not named by ARN.
 */

import type { Clock } from '#shared/clock'
import { isKeyArn, KmsAccessDeniedError } from '#shared/kms-client'
import { requireDataKeyPermission } from '../data-key-permission/require-permission.ts'
import { dependsOnRequest } from './depends-on-request.ts'
import type { KeyQuestion } from './key-question.ts'

export function askIdentityPolicies(clock: Clock): KeyQuestion {
  return {
    // Some microseconds each: as many as are looked at anyhow.
    limit: Number.POSITIVE_INFINITY,
    async ask({ principal, keyId, topicArn }) {
      // Whom a role was given, AWS judges by that role.
      if (!isKeyArn(keyId) || principal.kmsRoleArn !== undefined) return { kind: 'unclear' }
      try {
        requireDataKeyPermission(principal, { keyArn: keyId, keyId, topicArn, now: clock.now() })
        return { kind: 'allowed' }
      } catch (error) {
        if (!(error instanceof KmsAccessDeniedError)) throw error
        const policies = principal.policies.map(({ policy }) => policy)
        return { kind: dependsOnRequest(principal, policies) ? 'unclear' : 'refused' }
      }
    },
  }
}
