/**
 * The entries of a PublishBatch, and what is wrong with the batch as a whole.
 *
 * Number, ids, total size and attributes are the batch's: the first rule broken, in SNS's order, refuses all of it. What
 * is one message's own (empty, subject, structure, ids of FIFO) is left to `readMessage`. SNS API reference, PublishBatch.
 */

import {
  BatchEntryIdsNotDistinctError,
  BatchRequestTooLongError,
  EmptyBatchRequestError,
  InvalidBatchEntryIdError,
  memberNotNull,
  TooManyEntriesInBatchRequestError,
} from './errors.ts'
import { MAX_BATCH_ENTRIES, MAX_BATCH_ENTRY_ID_CHARACTERS, MAX_MESSAGE_BYTES } from './limits.ts'
import { type MessageAttribute, readMessageAttributes, sentAttributeBytes } from './message-attributes.ts'
import type { Parameters } from './parameters.ts'

export interface BatchEntry {
  readonly id: string
  /** The entry's own: `Message`, `Subject`, …, as Publish names them. */
  readonly parameters: Parameters
  readonly attributes: readonly MessageAttribute[]
}

const LIST = 'PublishBatchRequestEntries'
const PATH = 'publishBatchRequestEntries'

/**
 * Reads the entries in the order of the request.
 *
 * @throws {EmptyBatchRequestError} {@link TooManyEntriesInBatchRequestError} {@link InvalidBatchEntryIdError}
 *   {@link BatchEntryIdsNotDistinctError} {@link BatchRequestTooLongError}
 * @throws {ValidationError} when an id, a message, or a name or data type of an attribute is missing
 * @throws {ParameterValueInvalidError} {@link InvalidParameterError} for an attribute, or a list that is malformed
 */
export function readBatchEntries(parameters: Parameters): readonly BatchEntry[] {
  const entries = parameters.structures(LIST)
  if (entries.length === 0) throw new EmptyBatchRequestError()
  if (entries.length > MAX_BATCH_ENTRIES) throw new TooManyEntriesInBatchRequestError()
  const ids = entries.map((entry, at) => required(entry, 'Id', `${PATH}.${at + 1}.member.id`))
  checkIds(ids)
  checkTotalSize(entries)
  return entries.map((entry, at) => ({
    id: ids[at] ?? '',
    parameters: entry,
    attributes: readMessageAttributes(entry, `${PATH}.${at + 1}.member.messageAttributes`),
  }))
}

function checkIds(ids: readonly string[]): void {
  for (const id of ids) {
    if (id.length > MAX_BATCH_ENTRY_ID_CHARACTERS) throw new InvalidBatchEntryIdError('is too long', id)
  }
  for (const id of ids) {
    if (!/^[A-Za-z0-9_-]+$/.test(id)) throw new InvalidBatchEntryIdError('contains an impermissible character', id)
  }
  if (new Set(ids).size !== ids.length) throw new BatchEntryIdsNotDistinctError()
}

/** Before any attribute is judged, as in SNS; so sizes are those of what was sent, right or wrong. */
function checkTotalSize(entries: readonly Parameters[]): void {
  let bytes = 0
  for (const [at, entry] of entries.entries()) {
    bytes += Buffer.byteLength(required(entry, 'Message', `${PATH}.${at + 1}.member.message`), 'utf8')
    bytes += sentAttributeBytes(entry)
  }
  if (bytes > MAX_MESSAGE_BYTES) throw new BatchRequestTooLongError()
}

function required(entry: Parameters, name: string, path: string): string {
  const value = entry.get(name)
  if (value === undefined) throw memberNotNull(path)
  return value
}
