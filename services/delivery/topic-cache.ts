/**
 * Topics with their subscriptions, as of a moment after the caller asked.
 *
 * Callers ask after their claim's reply, or right behind the claim on its connection: a message published after
 * Subscribe returned then always meets that subscription. Each question reads the versions of the topics in one
 * pipeline and loads those that changed. The version is read with the topic and before the subscriptions, so that a
 * change in between shows as a newer version at the next question.
 */

import type { Catalog, Topic } from '#shared/catalog'
import type { Clock } from '#shared/clock'
import { BrokerError } from '#shared/errors'
import { createLruMap } from '#shared/lru-map'
import { MAX_TOPICS_CACHED, UNUSABLE_TOPIC_PAUSE_MS } from './limits.ts'
import { indexRecipients, type Recipients } from './recipients.ts'

export interface KnownTopic {
  readonly kind: 'known'
  readonly version: string
  readonly topic: Topic
  readonly recipients: Recipients
}

export type TopicState =
  | KnownTopic
  /** There is no such topic. */
  | { readonly kind: 'unknown' }
  /** Its record does not verify or cannot be read: nothing may be delivered by it, nothing concluded from it. */
  | { readonly kind: 'unusable'; readonly reason: string; readonly lookedAt: number }

/** A version that was asked for before it was known whether it would be needed. */
export interface Ahead {
  readonly topicArn: string
  /** Undefined also when it could not be read: who needs it then asks again. */
  readonly version: Promise<string | undefined>
}

export interface TopicCache {
  /**
   * @param topicArns distinct
   * @param ahead asked after what the caller has to be newer than
   * @returns a state for each
   * @throws what the catalog throws when Redis does not answer
   */
  resolve(topicArns: readonly string[], ahead?: Ahead): Promise<ReadonlyMap<string, TopicState>>
  /** Issues its question before it returns, on the catalog's connection. */
  askAhead(topicArn: string): Ahead
}

export function createTopicCache({
  catalog,
  clock,
  capacity = MAX_TOPICS_CACHED,
}: {
  catalog: Pick<Catalog, 'readVersions' | 'readTopic' | 'readSubscriptions'>
  clock: Clock
  capacity?: number
}): TopicCache {
  const cached = createLruMap<Exclude<TopicState, { kind: 'unknown' }>>(capacity)

  const load = async (topicArn: string): Promise<TopicState> => {
    try {
      const snapshot = await catalog.readTopic(topicArn)
      if (snapshot === undefined) return { kind: 'unknown' }
      const { topic, version } = snapshot
      const { subscriptions } = await catalog.readSubscriptions(topicArn)
      return { kind: 'known', topic, version, recipients: indexRecipients(subscriptions, topic) }
    } catch (error) {
      // One bad record must not stop the topics it was asked for together with.
      if (!(error instanceof BrokerError) || error.retryable) throw error
      return { kind: 'unusable', reason: `TOPIC_${error.code}`, lookedAt: clock.now() }
    }
  }

  const isCurrent = (state: TopicState | undefined, version: string | undefined): state is TopicState =>
    (state?.kind === 'known' && state.version === version) || (state?.kind === 'unusable' && isPausing(state.lookedAt))

  /** A clock that was set back makes nobody wait until it is that late again. */
  const isPausing = (lookedAt: number): boolean => {
    const elapsedMs = clock.now() - lookedAt
    return elapsedMs >= 0 && elapsedMs < UNUSABLE_TOPIC_PAUSE_MS
  }

  /** Those that were not asked for ahead, or not answered then. */
  const readVersions = async (
    topicArns: readonly string[],
    ahead: Ahead | undefined,
  ): Promise<readonly (string | undefined)[]> => {
    const version = topicArns.length === 1 && topicArns[0] === ahead?.topicArn ? await ahead?.version : undefined
    return version === undefined ? catalog.readVersions(topicArns) : [version]
  }

  const remember = (topicArn: string, state: TopicState): TopicState => {
    if (state.kind === 'unknown') cached.delete(topicArn)
    else cached.set(topicArn, state)
    return state
  }

  return {
    async resolve(topicArns, ahead) {
      const versions = await readVersions(topicArns, ahead)
      const states = await Promise.all(
        topicArns.map((topicArn, index) => {
          // No version is no proof that there is no topic: nothing vouches for it, so the record is asked.
          const state = cached.get(topicArn)
          return isCurrent(state, versions[index]) ? state : load(topicArn)
        }),
      )
      return new Map(
        states.map((state, index): [string, TopicState] => {
          const topicArn = topicArns[index] ?? ''
          return [topicArn, remember(topicArn, state)]
        }),
      )
    },
    askAhead(topicArn) {
      const asked = catalog.readVersions([topicArn])
      return { topicArn, version: asked.then(([version]) => version).catch(() => undefined) }
    },
  }
}
