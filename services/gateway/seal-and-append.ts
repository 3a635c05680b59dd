/**
 * What every publish does once it is allowed and valid: seal the body if the topic has a KMS key,
 * append the entry to its partition's stream, and only then give the message id to the caller.
 *
 * Fails closed: without a usable data key nothing is stored, least of all in clear.
 */

import { randomUUID } from 'node:crypto'
import type { Topic } from '#shared/catalog'
import type { Clock } from '#shared/clock'
import type { SealingKeys } from '#shared/data-keys'
import { type MessageHeader, seal } from '#shared/envelope'
import type { MessageAttribute } from '#shared/sns-wire'
import type { Entry, StreamAppender } from '#shared/stream-log'

export interface PublishedMessage {
  readonly body: string
  readonly subject: string | undefined
  readonly attributes: readonly MessageAttribute[]
}

/** Returns the message id after Redis has answered. */
export type SealAndAppend = (topic: Topic, principal: string, message: PublishedMessage) => Promise<string>

export function createSealAndAppend(o: {
  sealingKeys: SealingKeys
  appender: StreamAppender
  clock: Clock
  onPublished: (published: { sealed: boolean; bodyBytes: number }) => void
}): SealAndAppend {
  return async (topic, principal, message) => {
    const messageId = randomUUID()
    const acceptedAt = o.clock.now()
    const body = Buffer.from(message.body, 'utf8')
    const subject = message.subject === undefined ? {} : { subject: message.subject }
    const header: MessageHeader = { ...subject, attributes: message.attributes, acceptedAt }
    const entry: Entry = {
      kind: 'message',
      topicArn: topic.arn,
      incarnation: topic.incarnation,
      messageId,
      principal,
      ...header,
      body,
    }
    const configuredKeyId = topic.attributes.kmsMasterKeyId
    if (configuredKeyId !== undefined) {
      const pair = { topicArn: topic.arn, principal, configuredKeyId }
      Object.assign(
        entry,
        await o.sealingKeys.use(pair, ({ dataKey, encryptedDataKey, keyArn }) => ({
          body: seal(body, { dataKey, context: { topicArn: topic.arn, messageId, principal, header } }),
          sealed: { encryptedDataKey, keyArn },
        })),
      )
    }
    await o.appender.append(entry)
    o.onPublished({ sealed: entry.sealed !== undefined, bodyBytes: body.byteLength })
    return messageId
  }
}
