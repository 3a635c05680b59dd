/**
 * SetTopicAttributes: changes one attribute of a topic.
 *
 * Turning encryption on tightens: once this is answered no publish may store plaintext. This
 * gateway's own topic cache is dropped before the answer, so with one gateway that holds.
 */

import { NotFoundError } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { requireParameter } from '../../require-parameter.ts'
import { resolveTopic } from '../../resolve-topic.ts'
import { setTopicAttribute } from '../../topic-attributes.ts'

export const setTopicAttributes: Action = {
  name: 'SetTopicAttributes',
  signature: 'required',
  async run({ parameters, caller }, { catalog, topics }) {
    const { arn } = resolveTopic(parameters.get('TopicArn'), { caller, action: 'SetTopicAttributes' })
    const name = requireParameter(parameters, 'AttributeName')
    const value = parameters.get('AttributeValue') ?? ''
    try {
      const changed = await catalog.changeTopic(arn, (topic) => ({
        ...topic,
        attributes: setTopicAttribute(topic.attributes, name, value),
      }))
      if (changed === undefined) throw new NotFoundError('Topic does not exist')
    } finally {
      // Also after a lost reply: the change may have been stored.
      topics.forget(arn)
    }
    return undefined
  },
}
