/** Requests of the load tests, and what their answers say. Pure but for the signature's date. */

import { type PreparedRequest, prepareRequest, type Signer } from '../harness/prepare-requests.ts'
import { makeLoadMessage } from './load-message.ts'
import type { Answer } from './publish-connection.ts'
import type { DueRequest } from './schedule.ts'

/** A publisher principal and one of its topics. */
export interface Lane {
  readonly topicArn: string
  readonly signer: Signer
}

const VERSION = '2010-03-31'
/** 408 may cross the request on its way. */
const mayBeStored = (status: number) => status === 408 || (status >= 500 && status !== 503)

/**
 * Message numbers are `number * batch` and those after it.
 *
 * @param batch messages in one request: 1 is a Publish, more a PublishBatch
 */
export function makePublishRequest(
  { number, dueMs }: DueRequest,
  o: { lane: Lane; batch: number; messageBytes: number },
): PreparedRequest {
  const common: [string, string][] = [
    ['Version', VERSION],
    ['TopicArn', o.lane.topicArn],
  ]
  const message = (entry: number) => makeLoadMessage({ number: number * o.batch + entry, dueMs }, o.messageBytes)
  if (o.batch === 1) return prepareRequest([['Action', 'Publish'], ...common, ['Message', message(0)]], o.lane.signer)
  const entries = Array.from({ length: o.batch }, (_, entry): [string, string][] => {
    const prefix = `PublishBatchRequestEntries.member.${entry + 1}`
    return [
      [`${prefix}.Id`, `e${entry}`],
      [`${prefix}.Message`, message(entry)],
    ]
  })
  return prepareRequest([['Action', 'PublishBatch'], ...common, ...entries.flat()], o.lane.signer)
}

export interface PublishOutcome {
  /** Entries of the request that are stored, from 0. */
  readonly accepted: readonly number[]
  /** A code for each entry that is not known to be stored. */
  readonly failed: readonly string[]
  /** The others may be stored all the same: nobody was told. */
  readonly isUnknown: boolean
}

export function readOutcome(answer: Answer, batch: number): PublishOutcome {
  if ('error' in answer) {
    return { accepted: [], failed: Array(batch).fill(answer.error), isUnknown: answer.error !== 'NeverSent' }
  }
  const { status, body } = answer
  if (status !== 200) {
    const code = /<Code>([^<]*)<\/Code>/.exec(body)?.[1] ?? `HTTP${status}`
    return { accepted: [], failed: Array(batch).fill(code), isUnknown: mayBeStored(status) }
  }
  if (batch === 1) return { accepted: [0], failed: [], isUnknown: false }
  const [, successful = ''] = /<Successful>(.*)<\/Successful>/s.exec(body) ?? []
  const [, failures = ''] = /<Failed>(.*)<\/Failed>/s.exec(body) ?? []
  return {
    accepted: [...successful.matchAll(/<Id>e(\d)<\/Id>/g)].map(([, entry]) => Number(entry)),
    failed: [...failures.matchAll(/<Code>([^<]*)<\/Code>/g)].map(([, code = '']) => code),
    isUnknown: false,
  }
}

/**
 * Whether the time that an answer took is one of a publish. A refusal that comes at once would make publishing look fast; so
 * would leaving out a request that was given up after the whole timeout.
 */
export function isTimed({ accepted }: PublishOutcome, answer: Answer): boolean {
  return accepted.length > 0 || ('error' in answer && answer.error === 'Timeout')
}
