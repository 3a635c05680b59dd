/**
 * SNS's transport rule for encrypted topics: HTTPS and Signature Version 4, or 403 `InvalidSecurity`.
 *
 * Confirming and unsubscribing stay open to unsigned and plain requests, as the links in
 * notifications must work in any client; they carry no message.
 * Rule: the SNS developer guide, "server-side encryption".
 */

import { InvalidSecurityError, type Parameters, parseSubscriptionArn, parseTopicArn } from '#shared/sns-wire'
import type { TopicLookup } from './topic-lookup.ts'

/** @throws {InvalidSecurityError} when the request names a sealed topic */
export async function requireSecureTransport(parameters: Parameters, topics: TopicLookup): Promise<void> {
  const arn = topicNamedBy(parameters)
  if (arn === undefined) return
  const topic = await topics.find(arn)
  if (topic?.attributes.kmsMasterKeyId === undefined) return
  throw new InvalidSecurityError(
    'Requests on encrypted topics require HTTPS and Signature Version 4 (the topic has a KmsMasterKeyId)',
  )
}

function topicNamedBy(parameters: Parameters): string | undefined {
  try {
    const subscription = parameters.get('SubscriptionArn')
    if (subscription !== undefined) return parseSubscriptionArn(subscription).topicArn
    return parseTopicArn(parameters.get('TopicArn') ?? parameters.get('TargetArn')).arn
  } catch {
    // What names no topic is refused by the action itself, with the right words.
    return undefined
  }
}
