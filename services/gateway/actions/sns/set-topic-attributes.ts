/**
 * SetTopicAttributes: changes one attribute of a topic.
 *
 * Once it is answered no gateway may act by the topic as it was: a topic that was given its key gets no more
 * plaintext, one whose policy was taken back no more messages by it. Taking the key away need not wait: until all know, messages are sealed all the same.
 */

import type { Action } from '../../action.ts'
import { changeTopic } from '../../change-topic.ts'
import { requireParameter } from '../../require-parameter.ts'
import { resolveTopic } from '../../resolve-topic.ts'
import { setTopicAttribute } from '../../topic-attributes.ts'

export const setTopicAttributes: Action = {
  name: 'SetTopicAttributes',
  signature: 'required',
  async run({ parameters, caller }, services) {
    const place = resolveTopic(parameters.get('TopicArn'), { caller })
    const name = requireParameter(parameters, 'AttributeName')
    const value = parameters.get('AttributeValue') ?? ''
    const change: Parameters<typeof changeTopic>[0]['change'] = (attributes, topic) =>
      setTopicAttribute(attributes, name, value, topic)
    await changeTopic({ caller, action: 'SetTopicAttributes', place, change }, services)
    const { announceSnsKey, keyChecks, topicChanges } = services
    if (name === 'KmsMasterKeyId')
      announceSnsKey({ topicArn: place.arn, keyId: value, principal: caller.principal.publisher })
    // Also when nothing changed: who stored the change may have died before all others knew.
    if (name === 'KmsMasterKeyId' && value === '') topicChanges.announce(place.arn)
    else await topicChanges.settle(place.arn)
    const principal = caller.principal.roleArn ?? caller.principal.arn
    if (name === 'KmsMasterKeyId' && value !== '') keyChecks.request({ topicArn: place.arn, keyId: value, principal })
    return undefined
  },
}
