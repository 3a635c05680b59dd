/** DeleteTopic: removes a topic with its subscriptions. Deleting an unknown topic succeeds. */

import type { Action } from '../../action.ts'
import { resolveTopic } from '../../resolve-topic.ts'

export const deleteTopic: Action = {
  name: 'DeleteTopic',
  signature: 'required',
  async run({ parameters, caller }, { authorize, catalog, topicChanges, sealingKeys }) {
    const { arn, account } = resolveTopic(parameters.get('TopicArn'), { caller })
    authorize(caller, 'DeleteTopic', { arn, account, topic: (await catalog.readTopic(arn))?.topic })
    await catalog.deleteTopic(arn)
    // Also when there was none: who deleted it may have died before all others knew.
    await topicChanges.settle(arn)
    // A topic made again under this name is another one and gets data keys of its own.
    sealingKeys.forget(arn)
    return undefined
  },
}
