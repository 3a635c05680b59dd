/**
 * Publish: one message to one topic.
 *
 * authorize → validate → look up → seal → append, in SNS's order: permission before existence,
 * validation before KMS. Rules: Publish in the SNS API reference.
 */

import { checkMessage, checkSubject, InvalidParameterError, readMessageAttributes } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { refuseUnsupported } from '../../refuse-unsupported.ts'
import { resolveTopic } from '../../resolve-topic.ts'

export const publish: Action = {
  name: 'Publish',
  signature: 'required',
  async run({ parameters, caller }, { topics, sealAndAppend }) {
    refuseUnsupported(parameters, ['PhoneNumber', 'MessageStructure', 'MessageDeduplicationId', 'MessageGroupId'])
    const topicArn = parameters.get('TopicArn')
    const targetArn = parameters.get('TargetArn')
    if ((topicArn === undefined) === (targetArn === undefined)) {
      throw new InvalidParameterError(
        'Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter',
      )
    }
    // A TargetArn that names a topic acts as TopicArn; mobile endpoints do not exist here.
    const { arn } = resolveTopic(topicArn ?? targetArn, {
      caller,
      action: 'Publish',
      parameter: topicArn === undefined ? 'TargetArn' : 'TopicArn',
    })
    const attributes = readMessageAttributes(parameters)
    const body = checkMessage(parameters.get('Message'), attributes)
    const given = parameters.get('Subject')
    const subject = given === undefined ? undefined : checkSubject(given)
    const topic = await topics.get(arn)
    const messageId = await sealAndAppend(topic, caller.principal.arn, { body, subject, attributes })
    return [['MessageId', messageId]]
  },
}
