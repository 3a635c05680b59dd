/**
 * The body of a SubscriptionConfirmation or UnsubscribeConfirmation.
 *
 * Both carry a token and the URL that spends it: the first puts a subscription in force, the second restores one that
 * somebody ended without a signature.
 */

import { isoTimestamp, jsonString, writeEnvelopeJson } from './envelope-json.ts'
import type { SignatureFields } from './notification.ts'

export type ConfirmationPurpose = 'subscribe' | 'unsubscribe'

/** What the signature covers; the text follows from purpose and ARNs. */
export interface ConfirmationFields {
  purpose: ConfirmationPurpose
  messageId: string
  token: string
  topicArn: string
  subscriptionArn: string
  subscribeUrl: string
  /** Epoch ms. */
  acceptedAt: number
}

export function encodeConfirmation(o: ConfirmationFields & SignatureFields): string {
  return writeEnvelopeJson([
    ['Type', jsonString(confirmationType(o.purpose))],
    ['MessageId', jsonString(o.messageId)],
    ['Token', jsonString(o.token)],
    ['TopicArn', jsonString(o.topicArn)],
    ['Message', jsonString(confirmationText(o))],
    ['SubscribeURL', jsonString(o.subscribeUrl)],
    ['Timestamp', jsonString(isoTimestamp(o.acceptedAt))],
    ['SignatureVersion', jsonString(o.signatureVersion)],
    ['Signature', jsonString(o.signature)],
    ['SigningCertURL', jsonString(o.signingCertUrl)],
  ])
}

/** SNS's name of the message type. */
export function confirmationType(purpose: ConfirmationPurpose): 'SubscriptionConfirmation' | 'UnsubscribeConfirmation' {
  return purpose === 'subscribe' ? 'SubscriptionConfirmation' : 'UnsubscribeConfirmation'
}

/** SNS's text for the reader of the message. */
export function confirmationText(o: {
  purpose: ConfirmationPurpose
  topicArn: string
  subscriptionArn: string
}): string {
  if (o.purpose === 'subscribe') {
    return (
      `You have chosen to subscribe to the topic ${o.topicArn}.\n` +
      'To confirm the subscription, visit the SubscribeURL included in this message.'
    )
  }
  return (
    `You have chosen to deactivate subscription ${o.subscriptionArn}.\n` +
    'To cancel this operation and restore the subscription, visit the SubscribeURL included in this message.'
  )
}
