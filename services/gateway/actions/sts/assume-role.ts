/**
 * STS AssumeRole: a session of a role, with credentials of its own and an end.
 *
 * In STS's order: what is wrong with the parameters, whether the caller may, whether the role lets a session last so
 * long. Over plain HTTP it is refused: the answer holds a secret.
 */

import { InvalidSecurityError, ValidationError } from '#shared/sns-wire'
import { packedPolicySize, sessionArnOf, sessionUserIdOf, startSession } from '#shared/sts'
import { createConditionContext } from '#shared/topic-access'
import type { Action } from '../../action.ts'
import { authorizeAssumeRole } from './authorize-assume-role.ts'
import { PackedPolicyTooLargeError } from './errors.ts'
import { planSession } from './plan-session.ts'
import { readAssumeRole } from './read-assume-role.ts'

/** IAM User Guide, "Role chaining": a session started by a session lasts an hour at most, whatever the role says. */
const MAX_CHAINED_SECONDS = 3_600

export const assumeRole: Action = {
  name: 'AssumeRole',
  signature: 'required',
  async run({ parameters, caller }, { sts, clock }) {
    if (!caller.secure) throw new InvalidSecurityError('Request must use HTTPS: the response holds a secret')
    const input = readAssumeRole(parameters)
    const { durationSeconds } = input
    const isChained = caller.principal.kind === 'role-session'
    if (isChained && durationSeconds > MAX_CHAINED_SECONDS) {
      throw new ValidationError(
        'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
      )
    }
    const plan = planSession(input, caller.session)
    const packed = packedPolicySize(plan.limits)
    if (packed > 100) throw new PackedPolicyTooLargeError(packed)
    const found = sts.findRole(input.roleArn)
    const resourceAccount = found?.account ?? caller.principal.account
    const context = createConditionContext({ caller, resourceAccount, wanted: undefined, clock })
    const role = authorizeAssumeRole({ caller, role: found, input, plan, context })
    if (durationSeconds > role.maxSessionSeconds) {
      throw new ValidationError('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.')
    }
    const { session, token } = startSession({
      role,
      limits: plan.limits,
      durationSeconds,
      now: clock.now(),
      secrets: sts.secrets,
    })
    return [
      [
        'AssumedRoleUser',
        [
          ['AssumedRoleId', sessionUserIdOf(session)],
          ['Arn', sessionArnOf(session)],
        ],
      ],
      [
        'Credentials',
        [
          ['AccessKeyId', session.accessKeyId],
          ['SecretAccessKey', session.secretAccessKey],
          ['SessionToken', token],
          ['Expiration', isoSeconds(session.expiresAt)],
        ],
      ],
      ...(packed > 0 ? ([['PackedPolicySize', String(packed)]] as const) : []),
      ...(session.sourceIdentity === undefined ? [] : ([['SourceIdentity', session.sourceIdentity]] as const)),
    ]
  },
}

/** `2026-01-01T00:00:00Z`, as STS writes it. */
function isoSeconds(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString().replace('.000Z', 'Z')
}
