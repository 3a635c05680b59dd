/**
 * Publish: one message to one topic.
 *
 * look up → authorize → validate → seal → append, in SNS's order: permission before existence is told,
 * validation before KMS. Rules: Publish in the SNS API reference.
 */

import type { Topic } from '#shared/catalog'
import {
  echo,
  InvalidParameterError,
  type Message,
  type Parameters,
  readMessage,
  readMessageAttributes,
} from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { publisherOf } from '../../publisher.ts'
import { resolveTopic } from '../../resolve-topic.ts'

export const publish: Action = {
  name: 'Publish',
  signature: 'required',
  async run({ parameters, caller }, { authorize, topics, sealAndAppend }) {
    const { destination, parameter } = readDestination(parameters)
    const place = resolveTopic(destination, { caller, parameter })
    let message: Message | undefined
    // For each reading of the topic: by a policy that was taken back meanwhile nothing may be stored.
    const allow = (topic: Topic | undefined) => {
      authorize(caller, 'Publish', { ...place, topic })
      message ??= readMessage(parameters, readMessageAttributes(parameters))
      return message
    }
    const [messageId = ''] = await topics.use(
      place.arn,
      (inUse) => sealAndAppend(inUse, publisherOf(caller), [allow(inUse.topic)]),
      () => allow(undefined),
    )
    return [['MessageId', messageId]]
  },
}

/**
 * The one destination: a TargetArn that names a topic acts as TopicArn.
 *
 * @throws {InvalidParameterError} for none or several, and for what only exists where SMS and mobile push are offered
 */
function readDestination(parameters: Parameters): { destination: string; parameter: 'TopicArn' | 'TargetArn' } {
  const topicArn = parameters.get('TopicArn')
  const targetArn = parameters.get('TargetArn')
  const phoneNumber = parameters.get('PhoneNumber')
  const given = [topicArn, targetArn, phoneNumber].filter((value) => value !== undefined)
  if (given.length > 1) {
    throw new InvalidParameterError(
      'Invalid parameter: TopicArn, TargetArn and PhoneNumber Reason: only one destination may be given',
    )
  }
  if (topicArn !== undefined) return { destination: topicArn, parameter: 'TopicArn' }
  if (phoneNumber !== undefined) {
    throw new InvalidParameterError(
      `Invalid parameter: PhoneNumber Reason: ${echo(phoneNumber)} is not valid to publish to`,
    )
  }
  if (targetArn === undefined) {
    throw new InvalidParameterError('Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter')
  }
  if (MOBILE_ENDPOINT.test(targetArn)) {
    throw new InvalidParameterError(
      'Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified',
    )
  }
  return { destination: targetArn, parameter: 'TargetArn' }
}

const MOBILE_ENDPOINT = /^arn:[^:]*:sns:[^:]*:[^:]*:endpoint\//
