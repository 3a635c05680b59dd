/**
 * What every publish does once it is allowed and valid: seal the bodies if the topic has a KMS key,
 * append the entries to their partition's stream, and only then give the message ids to the caller.
 *
 * A batch is sealed under one data key and appended by one script, so that all of it is stored or
 * nothing. Fails closed: without a usable data key nothing is stored, least of all in clear.
 */

import { randomUUID } from 'node:crypto'
import type { Clock } from '#shared/clock'
import type { SealingKeys } from '#shared/data-keys'
import { type MessageHeader, seal } from '#shared/envelope'
import type { Message } from '#shared/sns-wire'
import type { Entry, StreamAppender } from '#shared/stream-log'
import type { Publisher } from './publisher.ts'
import type { TopicInUse } from './topic-lookup.ts'

/** Returns the message ids, in the order of the messages, after Redis has answered; none for no messages. */
export type SealAndAppend = (
  inUse: TopicInUse,
  publisher: Publisher,
  messages: readonly Message[],
) => Promise<readonly string[]>

/** @param o.onPublished called once a call, with the topic, the number of messages and the bytes of their bodies together */
export function createSealAndAppend(o: {
  sealingKeys: Pick<SealingKeys, 'use'>
  appender: StreamAppender
  clock: Clock
  onPublished: (published: { topicArn: string; sealed: boolean; messages: number; bodyBytes: number }) => void
}): SealAndAppend {
  return async ({ topic, store }, { id: principal, grounds }, messages) => {
    if (messages.length === 0) return []
    const acceptedAt = o.clock.now()
    let bodyBytes = 0
    const entries = messages.map(({ body: text, ...header }): Entry => {
      const body = Buffer.from(text, 'utf8')
      bodyBytes += body.byteLength
      return {
        kind: 'message',
        topicArn: topic.arn,
        incarnation: topic.incarnation,
        messageId: randomUUID(),
        principal,
        acceptedAt,
        ...header,
        body,
      }
    })
    const configuredKeyId = topic.attributes.kmsMasterKeyId
    if (configuredKeyId !== undefined) {
      const pair = { topicArn: topic.arn, principal, configuredKeyId, grounds }
      // One synchronous step with the look-up: no expiry falls between the messages of a batch.
      await o.sealingKeys.use(
        pair,
        ({ dataKey, encryptedDataKey, keyArn }) => {
          for (const entry of entries) {
            const { topicArn, messageId } = entry
            const context = { topicArn, messageId, principal, header: headerOf(entry) }
            entry.body = seal(entry.body, { dataKey, context })
            entry.sealed = { encryptedDataKey, keyArn }
          }
        },
        entries.length,
      )
    }
    const [only] = entries
    await store((decidedAt) =>
      entries.length === 1 && only !== undefined
        ? o.appender.append(only, { decidedAt })
        : o.appender.appendBatch(entries, { decidedAt }),
    )
    o.onPublished({
      topicArn: topic.arn,
      sealed: configuredKeyId !== undefined,
      messages: entries.length,
      bodyBytes,
    })
    return entries.map(({ messageId }) => messageId)
  }
}

/** The part of an entry that its envelope's AAD takes as the header. */
function headerOf({ subject, attributes, structure, groupId, acceptedAt }: Entry): MessageHeader {
  return {
    attributes,
    acceptedAt,
    ...(subject !== undefined && { subject }),
    ...(structure !== undefined && { structure }),
    ...(groupId !== undefined && { groupId }),
  }
}
