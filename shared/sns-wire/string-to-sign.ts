/**
 * What the signature of a delivered message covers: names and values in a fixed order, a line feed after each.
 *
 * Values are the ones a subscriber reads out of the JSON, un-escaped. SignatureVersion 1 signs these bytes (UTF-8) with
 * SHA-1, version 2 with SHA-256. SNS developer guide, "Verifying the signatures of Amazon SNS messages".
 */

import { type ConfirmationFields, confirmationText, confirmationType } from './confirmation.ts'
import { isoTimestamp } from './envelope-json.ts'
import type { NotificationFields } from './notification.ts'

export function notificationStringToSign(o: NotificationFields): string {
  const subject = o.subject === undefined ? '' : `Subject\n${o.subject}\n`
  return (
    `Message\n${o.message}\nMessageId\n${o.messageId}\n${subject}` +
    `Timestamp\n${isoTimestamp(o.acceptedAt)}\nTopicArn\n${o.topicArn}\nType\nNotification\n`
  )
}

export function confirmationStringToSign(o: ConfirmationFields): string {
  return (
    `Message\n${confirmationText(o)}\nMessageId\n${o.messageId}\nSubscribeURL\n${o.subscribeUrl}\n` +
    `Timestamp\n${isoTimestamp(o.acceptedAt)}\nToken\n${o.token}\nTopicArn\n${o.topicArn}\n` +
    `Type\n${confirmationType(o.purpose)}\n`
  )
}
