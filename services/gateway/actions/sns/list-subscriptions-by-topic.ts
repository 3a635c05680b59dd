/** ListSubscriptionsByTopic: all subscriptions of a topic, whoever owns them; 100 a page. */

import { NotFoundError } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { decodePageToken } from '../../page-token.ts'
import { resolveTopic } from '../../resolve-topic.ts'
import { PAGE_SIZE, subscriptionList } from '../../subscription-list.ts'

export const listSubscriptionsByTopic: Action = {
  name: 'ListSubscriptionsByTopic',
  signature: 'required',
  async run({ parameters, caller }, { catalog, clock }) {
    const { arn } = resolveTopic(parameters.get('TopicArn'), { caller, action: 'ListSubscriptionsByTopic' })
    // Bound to the topic: the token of another one is refused rather than read as a place in this one.
    const prefix = `${arn}:`
    const after = decodePageToken(parameters.get('NextToken'), prefix)?.slice(prefix.length)
    const snapshot = await catalog.readTopic(arn)
    if (snapshot === undefined) throw new NotFoundError('Topic does not exist')
    const page = await catalog.listSubscriptionsOfTopic({
      topicArn: arn,
      limit: PAGE_SIZE,
      now: clock.now(),
      ...(after === undefined ? {} : { after }),
    })
    const { incarnation } = snapshot.topic
    const ofThisTopic = page.subscriptions.filter((one) => one.incarnation === incarnation)
    return subscriptionList(ofThisTopic, page.next === undefined ? undefined : `${prefix}${page.next}`)
  },
}
