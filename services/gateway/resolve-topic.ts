/**
 * A TopicArn parameter → an ARN of the request's region, well formed. Whether the caller may do anything with it is asked
 * once the topic was read, and before it is said whether there is one.
 */

import { InvalidParameterError, parseTopicArn } from '#shared/sns-wire'
import type { Caller } from './caller.ts'

export interface ResolvedTopic {
  readonly arn: string
  readonly account: string
}

/**
 * @param parameter how errors call it; `TopicArn` unless told
 * @throws {InvalidParameterError} malformed or of another region
 */
export function resolveTopic(
  arn: string | undefined,
  { caller, parameter = 'TopicArn' }: { caller: Caller; parameter?: string },
): ResolvedTopic {
  const parsed = parseTopicArn(arn, parameter)
  if (parsed.region !== caller.region) throw new InvalidParameterError(`Invalid parameter: ${parameter}`)
  return { arn: parsed.arn, account: parsed.account }
}
