/**
 * PublishBatch: up to ten messages to one topic, each a message of its own.
 *
 * What is wrong with the batch refuses it; what is wrong with one message is told beside the ids of the
 * others. These are sealed under one data key and stored together, all or none, so that a failure of
 * KMS or Redis is the call's and a publisher never has to guess which part is there.
 * Rules: PublishBatch in the SNS API reference. Permission is that of Publish.
 */

import type { Topic } from '#shared/catalog'
import {
  type BatchEntry,
  InvalidParameterError,
  type Message,
  type Parameters,
  readBatchEntries,
  readMessage,
  wireErrorOf,
  type XmlNode,
} from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { publisherOf } from '../../publisher.ts'
import { resolveTopic } from '../../resolve-topic.ts'

export const publishBatch: Action = {
  name: 'PublishBatch',
  signature: 'required',
  async run({ parameters, caller }, { authorize, topics, sealAndAppend }) {
    const place = resolveTopic(parameters.get('TopicArn'), { caller })
    let batch: Batch | undefined
    const allow = (topic: Topic | undefined) => {
      authorize(caller, 'PublishBatch', { ...place, topic })
      batch ??= readBatch(parameters)
      return batch
    }
    const { accepted, failed, messageIds } = await topics.use(
      place.arn,
      async (inUse) => {
        const read = allow(inUse.topic)
        const messages = read.accepted.map(({ message }) => message)
        return { ...read, messageIds: await sealAndAppend(inUse, publisherOf(caller), messages) }
      },
      () => allow(undefined),
    )
    const successful = accepted.map(({ id }, at): [string, XmlNode] => [
      'member',
      [
        ['Id', id],
        ['MessageId', messageIds[at] ?? ''],
      ],
    ])
    return [
      ['Successful', successful],
      ['Failed', failed],
    ]
  },
}

interface Batch {
  readonly accepted: readonly { id: string; message: Message }[]
  readonly failed: readonly [string, XmlNode][]
}

function readBatch(parameters: Parameters): Batch {
  const accepted: { id: string; message: Message }[] = []
  const failed: [string, XmlNode][] = []
  for (const entry of readBatchEntries(parameters)) {
    const read = readEntry(entry)
    if (read instanceof InvalidParameterError) failed.push(['member', failureOf(entry.id, read)])
    else accepted.push({ id: entry.id, message: read })
  }
  return { accepted, failed }
}

function readEntry({ parameters, attributes }: BatchEntry): Message | InvalidParameterError {
  try {
    return readMessage(parameters, attributes)
  } catch (error) {
    if (error instanceof InvalidParameterError) return error
    throw error
  }
}

function failureOf(id: string, error: InvalidParameterError): XmlNode {
  const { code, message, fault } = wireErrorOf(error)
  return [
    ['Id', id],
    ['Code', code],
    ['Message', message],
    ['SenderFault', String(fault === 'sender')],
  ]
}
