/** Requests of the publish rows. */

import { makeMessage, type PreparedRequest, prepareRequest, type Signer } from '../harness/prepare-requests.ts'

const VERSION = '2010-03-31'

/** @param topicArns taken in turn */
export function publishRequests(topicArns: readonly string[], signer: Signer): (index: number) => PreparedRequest {
  return (index) =>
    prepareRequest(
      [
        ['Action', 'Publish'],
        ['Version', VERSION],
        ['TopicArn', topicArns[index % topicArns.length] ?? ''],
        ['Message', makeMessage(index)],
      ],
      signer,
    )
}

/** @param entries messages in one request, at most 10 */
export function batchRequests(topicArn: string, entries: number, signer: Signer): (index: number) => PreparedRequest {
  return (index) =>
    prepareRequest(
      [
        ['Action', 'PublishBatch'],
        ['Version', VERSION],
        ['TopicArn', topicArn],
        ...Array.from({ length: entries }, (_, entry) => {
          const prefix = `PublishBatchRequestEntries.member.${entry + 1}`
          return [
            [`${prefix}.Id`, `entry-${entry}`],
            [`${prefix}.Message`, makeMessage(index * entries + entry)],
          ] as [string, string][]
        }).flat(),
      ],
      signer,
    )
}
