/**
 * Opens the body of an entry, once for all its subscriptions.
 *
 * What KMS refused or did not answer for is not asked for again by other messages of the key: the key watch probes it
 * (held/key-watch.ts). Data keys that are open already go on being used. A message that finds the key refused waits
 * for the questions under way about it, so that earlier messages that are refused too are held before it.
 */

import type { OpeningKeys, SealedDataKey } from '#shared/data-keys'
import { type DataKey, type EnvelopeContext, open, readDataKeyId } from '#shared/envelope'
import { isKeyArn } from '#shared/kms-client'
import { type Entry, EntryFormatError } from '#shared/stream-log'
import { isKeyRefusal } from './held/key-refusal.ts'
import type { KeyWatch } from './held/key-watch.ts'

/**
 * @returns the body as text
 * @throws {BrokerError} of KMS or of the envelope; see decide-settlement.ts
 */
export type OpenBody = (entry: Entry) => Promise<string>

type Sealed = NonNullable<Entry['sealed']>

export function createOpenBody({
  openingKeys,
  keyWatch,
}: {
  openingKeys: OpeningKeys
  keyWatch: Pick<KeyWatch, 'refusalOf' | 'refused' | 'worked'>
}): OpenBody {
  /** Questions to KMS under way, by KMS key. */
  const asking = new Map<string, Set<Promise<unknown>>>()

  return async (entry) => {
    const { sealed, body, topicArn, principal } = entry
    if (sealed === undefined) return body.toString('utf8')
    checkSealed(sealed)
    const { encryptedDataKey, keyArn } = sealed
    const wanted: SealedDataKey = { encryptedDataKey, keyArn, dataKeyId: readDataKeyId(body), topicArn, principal }
    const refusal = keyWatch.refusalOf(wanted)
    const obtained = refusal === undefined ? openingKeys.obtain(wanted) : openingKeys.find(wanted)
    if (obtained === undefined) {
      await Promise.allSettled(asking.get(keyArn) ?? [])
      throw refusal
    }
    // Nothing is awaited that is there already.
    const dataKey = obtained instanceof Promise ? await ask(wanted, obtained) : obtained
    return open(body, { dataKey, context: contextOf(entry) }).toString('utf8')
  }

  async function ask(wanted: SealedDataKey, answer: Promise<DataKey>): Promise<DataKey> {
    const { keyArn } = wanted
    const others = asking.get(keyArn) ?? new Set()
    asking.set(keyArn, others.add(answer))
    try {
      const dataKey = await answer
      keyWatch.worked(keyArn)
      return dataKey
    } catch (error) {
      if (isKeyRefusal(error)) keyWatch.refused(wanted, error)
      throw error
    } finally {
      others.delete(answer)
      if (others.size === 0) asking.delete(keyArn)
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

/**
 * What no KMS can have given is no question for one: its answer would be a fault of ours, held and
 * asked again for ever, rather than what it is.
 */
function checkSealed({ encryptedDataKey, keyArn }: Sealed): void {
  const bytes = encryptedDataKey.byteLength
  if (bytes === 0 || bytes > MAX_ENCRYPTED_KEY_BYTES) {
    throw new EntryFormatError('its encrypted data key has a length that no KMS gives')
  }
  if (!isKeyArn(keyArn)) throw new EntryFormatError('its key is no ARN of a KMS key')
}
