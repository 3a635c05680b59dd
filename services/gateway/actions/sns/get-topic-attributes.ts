/** GetTopicAttributes: SNS's map, with counts of the subscriptions as they are now. */

import { defaultTopicPolicy, NotFoundError, topicEffectivePolicy } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { attributeMap } from '../../attribute-map.ts'
import { resolveTopic } from '../../resolve-topic.ts'

export const getTopicAttributes: Action = {
  name: 'GetTopicAttributes',
  signature: 'required',
  async run({ parameters, caller }, { authorize, catalog, clock }) {
    const { arn, account } = resolveTopic(parameters.get('TopicArn'), { caller })
    const [snapshot, counts] = await Promise.all([catalog.readTopic(arn), catalog.countSubscriptions(arn, clock.now())])
    authorize(caller, 'GetTopicAttributes', { arn, account, topic: snapshot?.topic })
    if (snapshot === undefined) throw new NotFoundError('Topic does not exist')
    const { owner, attributes } = snapshot.topic
    return attributeMap([
      ['Policy', attributes.policy ?? defaultTopicPolicy(arn, owner)],
      ['Owner', owner],
      ['SubscriptionsPending', String(counts.pending)],
      ['KmsMasterKeyId', attributes.kmsMasterKeyId],
      ['TopicArn', arn],
      ['DeliveryPolicy', attributes.deliveryPolicy],
      ['EffectiveDeliveryPolicy', topicEffectivePolicy(attributes.deliveryPolicy)],
      ['SubscriptionsConfirmed', String(counts.confirmed)],
      ['DisplayName', attributes.displayName ?? ''],
      ['SignatureVersion', attributes.signatureVersion],
      ['SubscriptionsDeleted', String(counts.deleted)],
    ])
  },
}
