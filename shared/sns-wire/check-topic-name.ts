/**
 * The name of a topic: letters, digits, hyphen and underscore.
 *
 * A name that ends in `.fifo` belongs to a FIFO topic and SNS gives it the same refusal when FifoTopic is not set; FIFO
 * topics are not offered yet, so any dot is refused.
 */

import { InvalidParameterError, memberNotNull } from './errors.ts'
import { MAX_TOPIC_NAME_CHARACTERS } from './limits.ts'

/**
 * Returns the name.
 *
 * @throws {ValidationError} when it is missing
 * @throws {InvalidParameterError} when it breaks the rule
 */
export function checkTopicName(name: string | undefined): string {
  if (name === undefined) throw memberNotNull('name')
  if (name.length > MAX_TOPIC_NAME_CHARACTERS || !/^[A-Za-z0-9_-]+$/.test(name)) {
    throw new InvalidParameterError('Invalid parameter: Topic Name')
  }
  return name
}
