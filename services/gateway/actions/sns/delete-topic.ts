/** DeleteTopic: removes a topic with its subscriptions. Deleting an unknown topic succeeds. */

import type { Action } from '../../action.ts'
import { resolveTopic } from '../../resolve-topic.ts'

export const deleteTopic: Action = {
  name: 'DeleteTopic',
  signature: 'required',
  async run({ parameters, caller }, { catalog, topics, sealingKeys }) {
    const { arn } = resolveTopic(parameters.get('TopicArn'), { caller, action: 'DeleteTopic' })
    await catalog.deleteTopic(arn)
    topics.forget(arn)
    // A topic made again under this name is another one and gets data keys of its own.
    sealingKeys.forget(arn)
    return undefined
  },
}
