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
export async function requireSecureTransport(parameters: Parameters, topics: Pick<TopicLookup, 'find'>): Promise<void> {
  for (const arn of topicsNamedBy(parameters)) {
    const topic = await topics.find(arn)
    if (topic?.attributes.kmsMasterKeyId === undefined) continue
    throw new InvalidSecurityError(
      'Requests on encrypted topics require HTTPS and Signature Version 4 (the topic has a KmsMasterKeyId)',
    )
  }
}

/** Each ARN that any action might act on: one beside it, for another topic or malformed, must not hide it. */
function topicsNamedBy(parameters: Parameters): Set<string> {
  const arns = new Set<string>()
  const add = (read: () => string) => {
    try {
      arns.add(read())
    } catch {
      // What names no topic is refused by the action itself, with the right words.
    }
  }
  add(() => parseTopicArn(parameters.get('TopicArn')).arn)
  add(() => parseTopicArn(parameters.get('TargetArn')).arn)
  add(() => parseSubscriptionArn(parameters.get('SubscriptionArn')).topicArn)
  return arns
}
