/**
 * Makes of an entry what endpoints receive: SNS's JSON body, headers and signature, or the body alone.
 *
 * Signed once for each text (`MessageStructure=json` may have one for each protocol), and only when
 * somebody wants a signature: raw delivery has none, and a signature is the dearest thing a delivery costs.
 * Headers and the unsubscribe link differ from subscriber to subscriber. A confirmation's token is
 * derived, so that a retry sends the same one and Redis never holds it.
 */

import type { Topic } from '#shared/catalog'
import type { SecretRing } from '#shared/record-mac'
import {
  confirmationHeaders,
  confirmationStringToSign,
  confirmationToken,
  encodeConfirmation,
  encodeNotification,
  notificationHeaders,
  notificationStringToSign,
  selectMessage,
  signingCertUrl,
  subscribeUrl,
  unsubscribeUrl,
} from '#shared/sns-wire'
import type { Entry } from '#shared/stream-log'
import type { OpenBody } from './open.ts'
import type { Recipient } from './recipients.ts'
import type { Sign } from './sign.ts'

export interface OutgoingRequest {
  headers: Readonly<Record<string, string>>
  body: string
}

/** What a recipient of the entry is sent; a promise where it has to be signed first. */
export type Outgoing = (recipient: Recipient) => OutgoingRequest | Promise<OutgoingRequest>

/** @throws what opening the body throws */
export type Compose = (entry: Entry, topic: Topic, recipients: readonly Recipient[]) => Promise<Outgoing>

/** @param baseUrl the gateway as subscribers see it */
export function createCompose({
  openBody,
  sign,
  certificateId,
  tokenSecrets,
  baseUrl,
}: {
  openBody: OpenBody
  sign: Sign
  certificateId: string
  tokenSecrets: SecretRing
  baseUrl: string
}): Compose {
  const certUrl = signingCertUrl({ baseUrl, certificateId })

  const composeNotification = async (entry: Entry, topic: Topic): Promise<Outgoing> => {
    const { messageId, topicArn, subject, acceptedAt, attributes, structure } = entry
    const published = await openBody(entry)
    const signatureVersion = topic.attributes.signatureVersion ?? '1'
    /** One nearly always, a few at most: a Map would hash the whole message. */
    const signatures: { message: string; signature: Promise<string> }[] = []

    const signed = (message: string): Promise<string> => {
      const known = signatures.find((one) => one.message === message)
      if (known !== undefined) return known.signature
      const text = notificationStringToSign({ messageId, topicArn, subject, acceptedAt, message })
      const signature = sign(signatureVersion, text)
      signatures.push({ message, signature })
      return signature
    }

    const composeSigned = async (message: string, { arn, terms }: Recipient): Promise<OutgoingRequest> => ({
      headers: notificationHeaders({ messageId, topicArn, subscriptionArn: arn, contentType: terms.contentType }),
      body: encodeNotification({
        messageId,
        topicArn,
        subject,
        message,
        acceptedAt,
        attributes,
        signatureVersion,
        signature: await signed(message),
        signingCertUrl: certUrl,
        unsubscribeUrl: unsubscribeUrl({ baseUrl, subscriptionArn: arn }),
      }),
    })

    return (recipient) => {
      const { arn, subscription, terms } = recipient
      const message = selectMessage(published, structure, subscription.protocol)
      if (!terms.raw) return composeSigned(message, recipient)
      const { contentType, raw } = terms
      return {
        headers: notificationHeaders({ messageId, topicArn, subscriptionArn: arn, contentType, raw }),
        body: message,
      }
    }
  }

  const composeConfirmation = async (
    entry: Entry,
    topic: Topic,
    { purpose }: NonNullable<Entry['confirmation']>,
    { arn, subscription }: Recipient,
  ): Promise<Outgoing> => {
    const { messageId, topicArn, acceptedAt } = entry
    const token = confirmationToken({
      ring: tokenSecrets,
      topicArn,
      subscriptionId: subscription.id,
      incarnation: topic.incarnation,
      issuedAt: acceptedAt,
    })
    const fields = {
      purpose,
      messageId,
      token,
      topicArn,
      subscriptionArn: arn,
      subscribeUrl: subscribeUrl({ baseUrl, topicArn, token }),
      acceptedAt,
    }
    const signatureVersion = topic.attributes.signatureVersion ?? '1'
    const signature = await sign(signatureVersion, confirmationStringToSign(fields))
    const request = {
      headers: confirmationHeaders({ purpose, messageId, topicArn, subscriptionArn: arn }),
      body: encodeConfirmation({ ...fields, signatureVersion, signature, signingCertUrl: certUrl }),
    }
    return () => request
  }

  return (entry, topic, recipients) => {
    const [recipient] = recipients
    return entry.confirmation === undefined || recipient === undefined
      ? composeNotification(entry, topic)
      : composeConfirmation(entry, topic, entry.confirmation, recipient)
  }
}
