/** What AddPermission and RemovePermission share: an edit of the topic's policy, in force everywhere before it is answered. */

import { defaultTopicPolicy } from '#shared/sns-wire'
import type { ActionServices } from './action.ts'
import type { Caller } from './caller.ts'
import { changeTopic } from './change-topic.ts'
import type { ResolvedTopic } from './resolve-topic.ts'
import { setTopicAttribute } from './topic-attributes.ts'

/** @param o.edit pure: the policy as it is → as it is to be */
export async function changePermissions(
  o: {
    caller: Caller
    action: 'AddPermission' | 'RemovePermission'
    place: ResolvedTopic
    edit: (policy: string) => string
  },
  services: ActionServices,
): Promise<void> {
  const { caller, action, place, edit } = o
  await changeTopic(
    {
      caller,
      action,
      place,
      change(attributes, topic) {
        const policy = attributes.policy ?? defaultTopicPolicy(topic.arn, topic.owner)
        const edited = edit(policy)
        return edited === policy ? attributes : setTopicAttribute(attributes, 'Policy', edited, topic)
      },
    },
    services,
  )
  await services.topicChanges.settle(place.arn)
}
