/**
 * Topics and their subscriptions: what gateways write and workers read.
 *
 * A topic and its subscriptions lie in one slot, and every change of either gives the topic a new random
 * version in the same script. A worker that reads the version after a claim and finds its own therefore
 * knows every subscription that existed when the message was published.
 *
 * Records are authenticated (records.ts). A forged one is reported to `onForged` and never used. The
 * index of names is not authenticated: it only lists, and whatever is done with a name reads its record.
 */

import { coalesceWrites, pipelineReplies, type Redis, redisCall } from '#shared/redis'
import type { CatalogOptions, TopicSnapshot } from './catalog-options.ts'
import { keys } from './keys.ts'
import {
  listSubscriptionsOfAccount,
  listSubscriptionsOfTopic,
  type PageOptions,
  type SubscriptionPage,
} from './list-subscriptions.ts'
import type { Subscription, Topic } from './records.ts'
import {
  countSubscriptions,
  type FoundSubscription,
  findSubscription,
  type SubscriptionCounts,
} from './subscription-index.ts'
import {
  enlistSubscription,
  type PutExpectation,
  putSubscription,
  readSubscription,
  readSubscriptions,
  removeSubscription,
} from './subscriptions.ts'
import { changeTopic, createTopic, deleteTopic, listTopics, readTopic } from './topics.ts'

/** Every method throws the errors of #shared/redis; those that read records also RecordForgedError unless said otherwise. */
export interface Catalog {
  /** @returns the topic as stored; an existing one is unchanged and `created` is false */
  createTopic(topic: Topic): Promise<{ created: boolean; topic: Topic }>
  /** @param known as it was read before: given back, the very object, while the stored record is the same to the byte */
  readTopic(arn: string, known?: Topic): Promise<TopicSnapshot | undefined>
  /**
   * @param change pure: it runs again when somebody else changed the topic meanwhile; ARN and incarnation stay
   * @returns the topic as stored; undefined when there is none
   * @throws {TopicContendedError} and whatever `change` throws; nothing is stored then
   */
  changeTopic(arn: string, change: (topic: Topic) => Topic): Promise<Topic | undefined>
  /** Deletes the topic, its subscriptions and its name. @returns false when there was none */
  deleteTopic(arn: string): Promise<boolean>
  /**
   * In byte order of ARN. May name a topic that was deleted in the same moment as it was created.
   *
   * @param after the `next` of the page before
   * @param limit 1..1000
   */
  listTopics(o: {
    account: string
    region: string
    after?: string
    limit: number
  }): Promise<{ arns: string[]; next?: string }>
  /** Also those of an earlier incarnation, if Redis was made to hold one: compare. Forged ones are left out and counted. */
  readSubscriptions(topicArn: string): Promise<{ subscriptions: Subscription[]; forged: number }>
  readSubscription(topicArn: string, id: string): Promise<Subscription | undefined>
  /**
   * The subscription of an endpoint; an expired one is removed and counts as none. Also puts indexes in order
   * where they turn out not to be.
   */
  findSubscription(
    wanted: Pick<Subscription, 'topicArn' | 'incarnation' | 'protocol' | 'endpoint' | 'owner'>,
    now: number,
  ): Promise<FoundSubscription>
  /** @returns false when the topic is gone or of another incarnation, or the expectation fails; nothing is stored then */
  putSubscription(s: Subscription, expectation: PutExpectation): Promise<boolean>
  /** Lists a subscription among its owner's again: a `putSubscription` that stopped halfway did not. */
  enlistSubscription(s: Subscription): Promise<void>
  /** @param s as it was read. @returns false when it is gone or another; nothing is removed then */
  removeSubscription(s: Subscription): Promise<boolean>
  /** By the indexes: for display. */
  countSubscriptions(topicArn: string, now: number): Promise<SubscriptionCounts>
  /** In byte order of id. Expired ones are removed, forged ones left out. */
  listSubscriptionsOfTopic(o: PageOptions & { topicArn: string }): Promise<SubscriptionPage>
  /** Those an account owns in a region, in byte order of ARN, also on topics of others. As above. */
  listSubscriptionsOfAccount(o: PageOptions & { account: string; region: string }): Promise<SubscriptionPage>
  /**
   * Versions in the order asked for, in one pipeline; undefined where there is none, which `readTopic`
   * explains: no topic, or one that somebody took its version from, or a key that is no topic.
   */
  readVersions(topicArns: readonly string[]): Promise<(string | undefined)[]>
}

export function createCatalog(o: CatalogOptions): Catalog {
  return {
    createTopic: (topic) => createTopic(o, topic),
    readTopic: (arn, known) => readTopic(o, arn, known),
    changeTopic: (arn, change) => changeTopic(o, arn, change),
    deleteTopic: (arn) => deleteTopic(o, arn),
    listTopics: (page) => listTopics(o, page),
    readSubscriptions: (topicArn) => readSubscriptions(o, topicArn),
    readSubscription: (topicArn, id) => readSubscription(o, topicArn, id),
    findSubscription: (wanted, now) => findSubscription(o, wanted, now),
    putSubscription: (subscription, expectation) => putSubscription(o, subscription, expectation),
    enlistSubscription: (subscription) => enlistSubscription(o, subscription),
    removeSubscription: (subscription) => removeSubscription(o, subscription),
    countSubscriptions: (topicArn, now) => countSubscriptions(o, topicArn, now),
    listSubscriptionsOfTopic: (page) => listSubscriptionsOfTopic(o, page),
    listSubscriptionsOfAccount: (page) => listSubscriptionsOfAccount(o, page),
    readVersions: (topicArns) => readVersions(o.redis, topicArns),
  }
}

async function readVersions(redis: Redis, topicArns: readonly string[]): Promise<(string | undefined)[]> {
  if (topicArns.length === 0) return []
  const replies = await redisCall(redis, () => {
    coalesceWrites(redis)
    const pipeline = redis.pipeline()
    for (const arn of topicArns) pipeline.hget(keys.topicKey(arn), 'version')
    return pipelineReplies(pipeline.exec(), { skipForeignData: true })
  })
  return replies.map((reply) => (typeof reply === 'string' ? reply : undefined))
}
