/** ListSubscriptionsByTopic: all subscriptions of a topic, whoever owns them; 100 a page. */

import { NotFoundError } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { decodePageToken } from '../../page-token.ts'
import { resolveTopic } from '../../resolve-topic.ts'
import { PAGE_SIZE, subscriptionList } from '../../subscription-list.ts'

export const listSubscriptionsByTopic: Action = {
  name: 'ListSubscriptionsByTopic',
  signature: 'required',
  async run({ parameters, caller }, { authorize, catalog, clock }) {
    const { arn, account } = resolveTopic(parameters.get('TopicArn'), { caller })
    const snapshot = await catalog.readTopic(arn)
    authorize(caller, 'ListSubscriptionsByTopic', { arn, account, topic: snapshot?.topic })
    // Bound to the topic: the token of another one is refused rather than read as a place in this one.
    const prefix = `${arn}:`
    const after = decodePageToken(parameters.get('NextToken'), prefix)?.slice(prefix.length)
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
