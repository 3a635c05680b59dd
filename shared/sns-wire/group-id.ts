/**
 * The two ids that come from FIFO topics. On standard topics a group id is optional (it asks queues to serve groups
 * fairly), a deduplication id is refused: nothing would deduplicate by it. SNS API reference, Publish.
 */

import { InvalidParameterError } from './errors.ts'

/** Letters, digits and punctuation of ASCII. */
const ID = /^[!-~]{1,128}$/

/**
 * Returns the group id.
 *
 * @throws {InvalidParameterError} when it is empty, longer than 128 characters or holds another character
 */
export function checkGroupId(groupId: string): string {
  if (ID.test(groupId)) return groupId
  throw new InvalidParameterError(
    'Invalid parameter: The MessageGroupId parameter can only include alphanumeric and punctuation characters. ' +
      '1 to 128 in length',
  )
}

/** @throws {InvalidParameterError} when there is one */
export function refuseDeduplicationId(deduplicationId: string | undefined): void {
  if (deduplicationId === undefined) return
  throw new InvalidParameterError(
    'Invalid parameter: MessageDeduplicationId Reason: ' +
      'The request includes MessageDeduplicationId parameter that is not valid for this topic type',
  )
}
