/** GetTopicAttributes: SNS's map, with counts of the subscriptions as they are now. */

import { defaultTopicPolicy, NotFoundError, topicEffectivePolicy } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { resolveTopic } from '../../resolve-topic.ts'

export const getTopicAttributes: Action = {
  name: 'GetTopicAttributes',
  signature: 'required',
  async run({ parameters, caller }, { catalog }) {
    const { arn } = resolveTopic(parameters.get('TopicArn'), { caller, action: 'GetTopicAttributes' })
    const [snapshot, { subscriptions }] = await Promise.all([catalog.readTopic(arn), catalog.readSubscriptions(arn)])
    if (snapshot === undefined) throw new NotFoundError('Topic does not exist')
    const { owner, attributes } = snapshot.topic
    const count = (state: string) => String(subscriptions.filter((one) => one.state === state).length)
    const entries: [string, string | undefined][] = [
      ['Policy', defaultTopicPolicy(arn, owner)],
      ['Owner', owner],
      ['SubscriptionsPending', count('pending')],
      ['KmsMasterKeyId', attributes.kmsMasterKeyId],
      ['TopicArn', arn],
      ['DeliveryPolicy', attributes.deliveryPolicy],
      ['EffectiveDeliveryPolicy', topicEffectivePolicy(attributes.deliveryPolicy)],
      ['SubscriptionsConfirmed', count('confirmed')],
      ['DisplayName', attributes.displayName ?? ''],
      ['SignatureVersion', attributes.signatureVersion],
      ['SubscriptionsDeleted', count('deleted')],
    ]
    return [
      [
        'Attributes',
        entries.flatMap(([key, value]) =>
          value === undefined
            ? []
            : [
                [
                  'entry',
                  [
                    ['key', key],
                    ['value', value],
                  ],
                ] as const,
              ],
        ),
      ],
    ]
  },
}
