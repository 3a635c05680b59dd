/**
 * Topic and subscription ARNs as they arrive in requests, checked to the letter.
 *
 * What passes here becomes part of Redis keys, URLs and header values, so every field has a closed alphabet. The partition
 * is `aws`: topics of this broker carry no other. Region and account are read, not judged; whose they may be is up to the
 * gateway.
 */

import { InvalidParameterError } from './errors.ts'

export interface TopicArn {
  readonly arn: string
  readonly region: string
  readonly account: string
  readonly name: string
}

export interface SubscriptionArn {
  readonly arn: string
  readonly topicArn: string
  readonly id: string
  readonly region: string
  readonly account: string
}

/**
 * @param parameter the name that the error repeats
 * @throws {InvalidParameterError} when it is missing or no topic ARN
 */
export function parseTopicArn(arn: string | undefined, parameter = 'TopicArn'): TopicArn {
  requireElements(arn, parameter)
  const parsed = matchTopic(arn)
  if (parsed === undefined) throw new InvalidParameterError(`Invalid parameter: ${parameter}`)
  return parsed
}

/** @throws {InvalidParameterError} when it is missing or no subscription ARN; a topic ARN is told apart, as in SNS */
export function parseSubscriptionArn(arn: string | undefined): SubscriptionArn {
  requireElements(arn, 'SubscriptionArn')
  const lastColon = arn.lastIndexOf(':')
  const topic = matchTopic(arn.slice(0, lastColon))
  const id = arn.slice(lastColon + 1)
  if (topic !== undefined && UUID.test(id)) {
    return { arn, topicArn: topic.arn, id, region: topic.region, account: topic.account }
  }
  const field = topic !== undefined || matchTopic(arn) !== undefined ? 'SubscriptionId' : 'SubscriptionArn'
  throw new InvalidParameterError(`Invalid parameter: ${field}`)
}

const TOPIC = /^arn:aws:sns:([a-z0-9-]{1,32}):([0-9]{12}):([A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo)$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

function matchTopic(arn: string): TopicArn | undefined {
  const [, region, account, name] = TOPIC.exec(arn) ?? []
  if (region === undefined || account === undefined || name === undefined) return undefined
  return { arn, region, account, name }
}

function requireElements(arn: string | undefined, parameter: string): asserts arn is string {
  if (arn === undefined) {
    throw new InvalidParameterError(`Invalid parameter: ${parameter} Reason: no value for required parameter`)
  }
  // Six are enough to stop counting: the text names a number only below it.
  const elements = arn.split(':', 6).length
  if (elements < 6) {
    throw new InvalidParameterError(
      `Invalid parameter: ${parameter} Reason: An ARN must have at least 6 elements, not ${elements}`,
    )
  }
}
