/**
 * Reads the members of a request: types, limits and, above all, nothing unread.
 *
 * A member that an action did not ask for is refused, never dropped: a caller who sent a policy or a
 * grant token relies on it. Broken rules of KMS come first, all of the model's together: what could
 * not be asked of KMS either is not to be blamed on this one.
 */

import { SerializationError, UnsupportedOperationError, ValidationError } from './errors.ts'
import { type MemberReader, type Problems, readObject } from './member-reader.ts'

export type { MemberReader }

/**
 * @param body the request's JSON text in UTF-8; empty counts as `{}`
 * @throws {SerializationError} no JSON object, or a member of another type
 * @throws {ValidationError} naming the rules of KMS that are broken
 * @throws {UnsupportedOperationError} a member that was not asked for, or a value this KMS lacks
 */
export function readMembers<T>(body: Uint8Array, read: (reader: MemberReader) => T): T {
  const problems: Problems = { constraints: [], others: [], unsupported: [] }
  const result = readObject(parse(body), '', problems, read)
  const { length } = problems.constraints
  if (length > 0) {
    const noun = length === 1 ? 'error' : 'errors'
    throw new ValidationError(`${length} validation ${noun} detected: ${problems.constraints.join('; ')}`)
  }
  const [other] = problems.others
  if (other !== undefined) throw new ValidationError(other)
  const [unsupported] = problems.unsupported
  if (unsupported !== undefined) throw new UnsupportedOperationError(unsupported)
  return result
}

function parse(body: Uint8Array): unknown {
  try {
    return body.byteLength === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    // The parser's message quotes the text.
    throw new SerializationError('The request body is not JSON.')
  }
}
