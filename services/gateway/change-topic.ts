/**
 * Changes a topic for a caller who may: permission and change are decided by the same reading of the topic, and stored only
 * if it is still the one. Two changes at the same time are therefore both made, one after the other, and the second one's
 * caller needs the permission that the first has left.
 */

import type { TopicAttributes } from '#shared/catalog'
import { BrokerError } from '#shared/errors'
import { NotFoundError } from '#shared/sns-wire'
import type { AuthorizedAction } from '#shared/topic-access'
import type { ActionServices } from './action.ts'
import type { Caller } from './caller.ts'
import type { ResolvedTopic } from './resolve-topic.ts'

/**
 * What follows, telling the other gateways, is the caller's.
 *
 * @param o.change pure, may run several times
 * @throws {AuthorizationError} {NotFoundError} and whatever `change` throws; nothing is stored then
 */
export async function changeTopic(
  o: {
    caller: Caller
    action: AuthorizedAction
    place: ResolvedTopic
    change: (attributes: TopicAttributes, topic: { arn: string; owner: string }) => TopicAttributes
  },
  { authorize, catalog, topics }: Pick<ActionServices, 'authorize' | 'catalog' | 'topics'>,
): Promise<void> {
  const { caller, action, place } = o
  try {
    const changed = await catalog.changeTopic(place.arn, (topic) => {
      authorize(caller, action, { ...place, topic })
      return { ...topic, attributes: o.change(topic.attributes, topic) }
    })
    if (changed !== undefined) return
  } catch (error) {
    // Also after a lost reply: the change may have been stored. A refusal was decided before anything was.
    if (!(error instanceof BrokerError && error.fault === 'sender')) void topics.forget(place.arn)
    throw error
  }
  authorize(caller, action, place)
  throw new NotFoundError('Topic does not exist')
}
