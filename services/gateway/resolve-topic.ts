/**
 * A TopicArn parameter → an ARN the caller may name: well formed, of the request's region, and
 * allowed. The order is SNS's: shape, region, permission; only then does anybody look it up.
 */

import { InvalidParameterError, parseTopicArn } from '#shared/sns-wire'
import type { Caller } from './action.ts'
import { authorize } from './authorize.ts'

export interface ResolvedTopic {
  readonly arn: string
  readonly account: string
}

/**
 * @param parameter how errors call it; `TopicArn` unless told
 * @throws {InvalidParameterError} malformed or of another region
 * @throws {AuthorizationError} of an account the caller may not act in
 */
export function resolveTopic(
  arn: string | undefined,
  o: { caller: Caller; action: string; parameter?: string },
): ResolvedTopic {
  const parameter = o.parameter ?? 'TopicArn'
  const parsed = parseTopicArn(arn, parameter)
  if (parsed.region !== o.caller.region) throw new InvalidParameterError(`Invalid parameter: ${parameter}`)
  authorize(o.caller, o.action, parsed)
  return { arn: parsed.arn, account: parsed.account }
}
