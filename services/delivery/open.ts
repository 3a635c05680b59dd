/**
 * Opens the body of an entry, once for all its subscriptions.
 *
 * An encrypted data key for which KMS refused or did not answer is not asked for again for a moment,
 * however many entries wait for it: one question per data key at each reading of the held entries,
 * rather than one per entry. Per data key, not per KMS key: both lie outside the entry's MAC, and
 * somebody who put a foreign one beside a genuine key ARN would have KMS refuse for all of that ARN.
 * Integrity failures are no such refusal; they are about one entry.
 */

import type { Clock } from '#shared/clock'
import type { OpeningKeys } from '#shared/data-keys'
import { type EnvelopeContext, open, readDataKeyId } from '#shared/envelope'
import { BrokerError } from '#shared/errors'
import { hashParts } from '#shared/framing'
import { type Entry, EntryFormatError } from '#shared/stream-log'
import { KMS_HOLD_MS, MAX_REFUSALS_REMEMBERED } from './limits.ts'

/**
 * @returns the body as text
 * @throws {BrokerError} of KMS or of the envelope; see decide-settlement.ts
 */
export type OpenBody = (entry: Entry) => Promise<string>

type Sealed = NonNullable<Entry['sealed']>

export function createOpenBody({ openingKeys, clock }: { openingKeys: OpeningKeys; clock: Clock }): OpenBody {
  const refusals = createRefusals(clock)

  return async (entry) => {
    const { sealed, body } = entry
    if (sealed === undefined) return body.toString('utf8')
    checkSealed(sealed)
    const refusal = refusals.find(sealed, entry)
    if (refusal !== undefined) throw refusal
    try {
      const { topicArn, principal } = entry
      const { encryptedDataKey, keyArn } = sealed
      const dataKeyId = readDataKeyId(body)
      const obtained = openingKeys.obtain({ encryptedDataKey, keyArn, dataKeyId, topicArn, principal })
      // Nothing is awaited that is there already.
      const dataKey = obtained instanceof Promise ? await obtained : obtained
      return open(body, { dataKey, context: contextOf(entry) }).toString('utf8')
    } catch (error) {
      if (isRefusal(error)) refusals.remember(sealed, entry, error)
      throw error
    }
  }
}

function contextOf(entry: Entry): EnvelopeContext {
  const { subject, structure, groupId, deduplicationId } = entry
  return {
    topicArn: entry.topicArn,
    messageId: entry.messageId,
    principal: entry.principal,
    header: {
      attributes: entry.attributes,
      acceptedAt: entry.acceptedAt,
      ...(subject !== undefined && { subject }),
      ...(structure !== undefined && { structure }),
      ...(groupId !== undefined && { groupId }),
      ...(deduplicationId !== undefined && { deduplicationId }),
    },
  }
}

/** The bound of KMS's CiphertextBlob. */
const MAX_ENCRYPTED_KEY_BYTES = 6144

const KEY_ARN = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]{1,256}$/

/**
 * What no KMS can have given is no question for one: its answer would be a fault of ours, held and
 * asked again for ever, rather than what it is.
 */
function checkSealed({ encryptedDataKey, keyArn }: Sealed): void {
  const bytes = encryptedDataKey.byteLength
  if (bytes === 0 || bytes > MAX_ENCRYPTED_KEY_BYTES) {
    throw new EntryFormatError('its encrypted data key has a length that no KMS gives')
  }
  if (!KEY_ARN.test(keyArn)) throw new EntryFormatError('its key is no ARN of a KMS key')
}

function isRefusal(error: unknown): error is BrokerError {
  return error instanceof BrokerError && error.code.startsWith('KMS_') && error.code !== 'KMS_INTEGRITY'
}

function createRefusals(clock: Clock) {
  /** In order of asking, oldest first. */
  const refusals = new Map<string, { error: BrokerError; until: number }>()
  const nameOf = ({ encryptedDataKey, keyArn }: Sealed, { topicArn, principal }: Entry) =>
    hashParts([encryptedDataKey, keyArn, topicArn, principal]).toString('base64')
  return {
    find(sealed: Sealed, entry: Entry): BrokerError | undefined {
      // Nearly always: no message pays for a hash then.
      if (refusals.size === 0) return undefined
      const name = nameOf(sealed, entry)
      const refusal = refusals.get(name)
      if (refusal === undefined) return undefined
      if (clock.now() < refusal.until) return refusal.error
      refusals.delete(name)
      return undefined
    },
    remember(sealed: Sealed, entry: Entry, error: BrokerError): void {
      const name = nameOf(sealed, entry)
      refusals.delete(name)
      refusals.set(name, { error, until: clock.now() + KMS_HOLD_MS })
      if (refusals.size <= MAX_REFUSALS_REMEMBERED) return
      const [oldest] = refusals.keys()
      if (oldest !== undefined) refusals.delete(oldest)
    },
  }
}
