/**
 * The sealed topics of the live catalog with the publishers that the ledger of a month knows: whoever was given a data key.
 *
 * A topic that has a KMS key and no ledger has no publishers yet; one that is sealed no more asks for no data key.
 */

import { type Catalog, scanTopicArns } from '#shared/catalog'
import { BrokerError } from '#shared/errors'
import { readKmsLedger } from '#shared/kms-ledger'
import type { Redis } from '#shared/redis'

interface LiveTopic {
  readonly name: string
  readonly publishers: number
}

interface Sources {
  redis: Redis
  catalog: Pick<Catalog, 'readTopic'>
  month: string
}

/** Asked about at once. */
const PAGE = 100

/** @returns by name, in its order */
export async function readLiveTopics(o: Sources): Promise<LiveTopic[]> {
  const topics: LiveTopic[] = []
  for await (const found of scanTopicArns(o.redis)) {
    for (let at = 0; at < found.length; at += PAGE) {
      const page = await Promise.all(found.slice(at, at + PAGE).map((arn) => readTopic(arn, o)))
      topics.push(...page.filter((topic) => topic !== undefined))
    }
  }
  return topics.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function readTopic(topicArn: string, { redis, catalog, month }: Sources): Promise<LiveTopic | undefined> {
  try {
    const snapshot = await catalog.readTopic(topicArn)
    if (snapshot?.topic.attributes.kmsMasterKeyId === undefined) return undefined
  } catch (error) {
    // No gateway publishes to a topic whose record does not verify.
    if (error instanceof BrokerError && error.code === 'RECORD_FORGED') return undefined
    throw error
  }
  const pairs = await readKmsLedger({ redis, topicArn, month })
  return { name: topicArn, publishers: pairs.filter(({ issued }) => issued !== undefined).length }
}
