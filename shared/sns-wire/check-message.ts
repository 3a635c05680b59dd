/**
 * The message itself: not empty, not too long with its attributes, nothing that XML 1.0 cannot carry.
 *
 * SNS counts the message in UTF-8 and, of each attribute, name, data type and value (a Binary one decoded). Subject, group
 * and deduplication id are free. SNS API reference, Publish.
 */

import { InvalidParameterError, memberNotNull } from './errors.ts'
import { MAX_MESSAGE_BYTES } from './limits.ts'
import { attributeBytes, type MessageAttribute } from './message-attributes.ts'
import { isXmlText } from './xml-characters.ts'

/**
 * Returns the message.
 *
 * @throws {ValidationError} when it is missing
 * @throws {InvalidParameterError} when it is empty, too long or holds a character that XML 1.0 does not have
 */
export function checkMessage(message: string | undefined, attributes: readonly MessageAttribute[]): string {
  if (message === undefined) throw memberNotNull('message')
  if (message === '') throw new InvalidParameterError('Invalid parameter: Empty message')
  let bytes = Buffer.byteLength(message, 'utf8')
  for (const attribute of attributes) bytes += attributeBytes(attribute)
  if (bytes > MAX_MESSAGE_BYTES) throw new InvalidParameterError('Invalid parameter: Message too long')
  if (!isXmlText(message)) {
    throw new InvalidParameterError(
      'Invalid parameter: Message Reason: it holds a character that XML 1.0 does not have',
    )
  }
  return message
}
