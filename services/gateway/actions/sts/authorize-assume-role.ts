/**
 * Who may become a role. The role's trust policy decides as a key policy does: in one account it may name the caller, or
 * leave it to identity policies by naming the account; across accounts both must allow. Pure.
 *
 * A role that does not exist is refused in the same words as one that does not trust the caller, so that
 * nobody finds out by asking which roles there are.
 */

import { type AccessRequest, type ConditionContext, decideByResourcePolicy } from '#shared/policy'
import type { Role } from '#shared/principals'
import type { Caller } from '../../caller.ts'
import { StsAccessDeniedError } from './errors.ts'
import type { AssumeRolePermission, SessionPlan } from './plan-session.ts'
import type { AssumeRoleInput } from './read-assume-role.ts'

/**
 * @param role undefined when there is none of that ARN
 * @param context what is known of caller and request alike
 * @throws {StsAccessDeniedError}
 */
export function authorizeAssumeRole(o: {
  caller: Caller
  role: Role | undefined
  input: AssumeRoleInput
  plan: SessionPlan
  context: ConditionContext
}): Role {
  const { caller, role, input, plan } = o
  if (caller.principal.kind === 'root') throw new StsAccessDeniedError('Roles may not be assumed by root accounts.')
  if (role === undefined) throw denied('AssumeRole')
  const context = assumeRoleContext({ caller, role, input, plan, base: o.context })
  for (const permission of plan.permissions) {
    const request: AccessRequest = {
      subject: caller.principal,
      action: `sts:${permission}`,
      resource: role.arn,
      resourceAccount: role.account,
      context,
    }
    const decision = decideByResourcePolicy(request, role.trustPolicy)
    if (caller.notes !== undefined) Object.assign(caller.notes, { resource: role.arn, decision })
    if (!decision.allowed) throw denied(permission)
  }
  if (plan.changesSourceIdentity) throw denied('SetSourceIdentity')
  return role

  function denied(permission: AssumeRolePermission): StsAccessDeniedError {
    return new StsAccessDeniedError(
      `User: ${caller.principal.arn} is not authorized to perform: sts:${permission} on resource: ${input.roleArn}`,
    )
  }
}

/** The condition keys of STS, before what every request has. IAM service authorization reference, "AWS Security Token Service". */
function assumeRoleContext(o: {
  caller: Caller
  role: Role
  input: AssumeRoleInput
  plan: SessionPlan
  base: ConditionContext
}): ConditionContext {
  const { role, input, plan } = o
  const own = new Map<string, string | readonly string[]>([['sts:rolesessionname', input.sessionName]])
  const former = o.caller.session?.sourceIdentity
  if (former !== undefined) own.set('aws:sourceidentity', former)
  if (input.externalId !== undefined) own.set('sts:externalid', input.externalId)
  if (plan.limits.sourceIdentity !== undefined) own.set('sts:sourceidentity', plan.limits.sourceIdentity)
  if (input.transitiveTagKeys.length > 0) own.set('sts:transitivetagkeys', input.transitiveTagKeys)
  const tags = Object.entries(input.tags)
  if (tags.length > 0) {
    own.set(
      'aws:tagkeys',
      tags.map(([key]) => key),
    )
  }
  for (const [key, value] of tags) own.set(`aws:requesttag/${key.toLowerCase()}`, value)
  for (const [key, value] of role.tags) {
    own.set(`aws:resourcetag/${key.toLowerCase()}`, value)
    own.set(`iam:resourcetag/${key.toLowerCase()}`, value)
  }
  return { get: (key) => own.get(key) ?? o.base.get(key) }
}
