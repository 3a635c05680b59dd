/**
 * The body of a Notification, as HTTP/S endpoints receive it.
 *
 * Field order and spacing are SNS's. Absent fields are left out, never null. Only `UnsubscribeURL` differs between the
 * subscribers of one message; the signature does not cover it, so one signature serves all of them.
 */

import { isoTimestamp, jsonString, writeEnvelopeJson } from './envelope-json.ts'
import type { MessageAttribute } from './message-attributes.ts'

/** What the signature covers. */
export interface NotificationFields {
  messageId: string
  topicArn: string
  subject?: string | undefined
  message: string
  /** Epoch ms; the same for every subscriber and every retry. */
  acceptedAt: number
}

export interface SignatureFields {
  signatureVersion: '1' | '2'
  /** Base64, unwrapped. */
  signature: string
  signingCertUrl: string
}

export function encodeNotification(
  o: NotificationFields & SignatureFields & { unsubscribeUrl: string; attributes: readonly MessageAttribute[] },
): string {
  const fields: [string, string][] = [
    ['Type', '"Notification"'],
    ['MessageId', jsonString(o.messageId)],
    ['TopicArn', jsonString(o.topicArn)],
  ]
  if (o.subject !== undefined) fields.push(['Subject', jsonString(o.subject)])
  fields.push(
    ['Message', jsonString(o.message)],
    ['Timestamp', jsonString(isoTimestamp(o.acceptedAt))],
    ['SignatureVersion', jsonString(o.signatureVersion)],
    ['Signature', jsonString(o.signature)],
    ['SigningCertURL', jsonString(o.signingCertUrl)],
    ['UnsubscribeURL', jsonString(o.unsubscribeUrl)],
  )
  if (o.attributes.length > 0) fields.push(['MessageAttributes', attributesJson(o.attributes)])
  return writeEnvelopeJson(fields)
}

function attributesJson(attributes: readonly MessageAttribute[]): string {
  const lines = attributes.map(
    ({ name, dataType, value }) =>
      `    ${jsonString(name)} : {"Type":${jsonString(dataType)},"Value":${jsonString(value)}}`,
  )
  return `{\n${lines.join(',\n')}\n  }`
}
