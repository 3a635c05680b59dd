/** CreateTopic: creates a standard topic or confirms that an equal one exists. */

import { randomBytes } from 'node:crypto'
import { topicArnOf } from '#shared/catalog'
import { checkTopicName, InvalidParameterError } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { authorize } from '../../authorize.ts'
import { refuseUnsupported } from '../../refuse-unsupported.ts'
import { attributesAgree, readTopicAttributes } from '../../topic-attributes.ts'

export const createTopic: Action = {
  name: 'CreateTopic',
  signature: 'required',
  async run({ parameters, caller }, { catalog, topics, clock }) {
    refuseUnsupported(parameters, ['Tags', 'DataProtectionPolicy'])
    const name = checkTopicName(parameters.get('Name'))
    const entries = parameters.map('Attributes')
    if (entries.some(([key, value]) => key === 'FifoTopic' && value.toLowerCase() === 'true')) {
      // The name was checked as a standard one, which a FIFO topic's never is.
      throw new InvalidParameterError('Invalid parameter: Topic Name')
    }
    const attributes = readTopicAttributes(entries)
    const account = caller.principal.account
    const arn = topicArnOf({ region: caller.region, account, name })
    authorize(caller, 'CreateTopic', { arn, account })
    const { created, topic } = await catalog.createTopic({
      arn,
      // A topic deleted and created again is a new one: entries of the old one are dropped.
      incarnation: randomBytes(16).toString('hex'),
      owner: account,
      createdAt: clock.now(),
      attributes,
    })
    topics.forget(arn)
    if (!created && !attributesAgree(entries, attributes, topic.attributes)) {
      throw new InvalidParameterError(
        'Invalid parameter: Attributes Reason: Topic already exists with different attributes',
      )
    }
    return [['TopicArn', arn]]
  },
}
