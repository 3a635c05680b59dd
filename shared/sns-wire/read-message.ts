/**
 * One message for a standard topic out of its parameters: those of Publish, or of one entry of PublishBatch.
 *
 * All that is wrong here is one message's own fault, so that a batch can go on without it; its attributes are read before,
 * since a bad attribute fails the whole batch.
 */

import { checkMessage } from './check-message.ts'
import { checkSubject } from './check-subject.ts'
import { checkGroupId, refuseDeduplicationId } from './group-id.ts'
import type { MessageAttribute } from './message-attributes.ts'
import { checkMessageStructure } from './message-structure.ts'
import type { Parameters } from './parameters.ts'

/** What a publisher sends; absent fields were not sent. */
export interface Message {
  readonly body: string
  readonly subject?: string
  readonly attributes: readonly MessageAttribute[]
  readonly structure?: 'json'
  readonly groupId?: string
}

/**
 * @throws {ValidationError} when there is no message
 * @throws {InvalidParameterError} when a field breaks a rule of SNS
 */
export function readMessage(parameters: Parameters, attributes: readonly MessageAttribute[]): Message {
  const body = checkMessage(parameters.get('Message'), attributes)
  const subject = parameters.get('Subject')
  const structure = checkMessageStructure(parameters.get('MessageStructure'), body)
  const groupId = parameters.get('MessageGroupId')
  refuseDeduplicationId(parameters.get('MessageDeduplicationId'))
  return {
    body,
    attributes,
    ...(subject !== undefined && { subject: checkSubject(subject) }),
    ...(structure !== undefined && { structure }),
    ...(groupId !== undefined && { groupId: checkGroupId(groupId) }),
  }
}
