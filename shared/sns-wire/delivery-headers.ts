/**
 * The headers of a delivery over HTTP/S; host, length and connection are the HTTP client's.
 */

import { type ConfirmationPurpose, confirmationType } from './confirmation.ts'

const DEFAULT_CONTENT_TYPE = 'text/plain; charset=UTF-8'

/** @param contentType the subscription's `headerContentType`; it never applies to confirmations */
export function notificationHeaders(o: {
  messageId: string
  topicArn: string
  subscriptionArn: string
  raw?: boolean | undefined
  contentType?: string | undefined
}): Record<string, string> {
  const headers = commonHeaders({ ...o, type: 'Notification', contentType: o.contentType ?? DEFAULT_CONTENT_TYPE })
  headers['x-amz-sns-subscription-arn'] = o.subscriptionArn
  if (o.raw === true) headers['x-amz-sns-rawdelivery'] = 'true'
  return headers
}

/** A subscription that is not yet confirmed has no ARN to show, so only the other kind names it. */
export function confirmationHeaders(o: {
  purpose: ConfirmationPurpose
  messageId: string
  topicArn: string
  subscriptionArn: string
}): Record<string, string> {
  const headers = commonHeaders({ ...o, type: confirmationType(o.purpose), contentType: DEFAULT_CONTENT_TYPE })
  if (o.purpose === 'unsubscribe') headers['x-amz-sns-subscription-arn'] = o.subscriptionArn
  return headers
}

function commonHeaders(o: {
  type: string
  messageId: string
  topicArn: string
  contentType: string
}): Record<string, string> {
  return {
    'x-amz-sns-message-type': o.type,
    'x-amz-sns-message-id': o.messageId,
    'x-amz-sns-topic-arn': o.topicArn,
    'Content-Type': o.contentType,
    'User-Agent': 'Amazon Simple Notification Service Agent',
    'Accept-Encoding': 'gzip,deflate',
  }
}
