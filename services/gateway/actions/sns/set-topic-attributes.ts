/**
 * SetTopicAttributes: changes one attribute of a topic.
 *
 * Once it is answered no gateway may act by the topic as it was: a topic that was given its key gets no more
 * plaintext. Taking the key away need not wait: until all know, messages are sealed all the same.
 */

import { NotFoundError } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { requireParameter } from '../../require-parameter.ts'
import { resolveTopic } from '../../resolve-topic.ts'
import { setTopicAttribute } from '../../topic-attributes.ts'

export const setTopicAttributes: Action = {
  name: 'SetTopicAttributes',
  signature: 'required',
  async run({ parameters, caller }, { catalog, topics, topicChanges, announceSnsKey }) {
    const { arn } = resolveTopic(parameters.get('TopicArn'), { caller, action: 'SetTopicAttributes' })
    const name = requireParameter(parameters, 'AttributeName')
    const value = parameters.get('AttributeValue') ?? ''
    try {
      const changed = await catalog.changeTopic(arn, (topic) => ({
        ...topic,
        attributes: setTopicAttribute(topic.attributes, name, value),
      }))
      if (changed === undefined) throw new NotFoundError('Topic does not exist')
    } catch (error) {
      // Also after a lost reply: the change may have been stored.
      void topics.forget(arn)
      throw error
    }
    if (name === 'KmsMasterKeyId')
      announceSnsKey({ topicArn: arn, keyId: value, principal: caller.principal.publisher })
    // Also when nothing changed: who stored the change may have died before all others knew.
    if (name === 'KmsMasterKeyId' && value === '') topicChanges.announce(arn)
    else await topicChanges.settle(arn)
    return undefined
  },
}
