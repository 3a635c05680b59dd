/**
 * Opens the body of an entry, once for all its subscriptions.
 *
 * A KMS key that refused or did not answer is not asked again for a moment, however many entries wait
 * for it: that is one question per key and publisher at each reading of the held entries, rather than
 * one per entry. Integrity failures are no such refusal; they are about one entry.
 */

import type { Clock } from '#shared/clock'
import type { OpeningKeys } from '#shared/data-keys'
import { type EnvelopeContext, open, readDataKeyId } from '#shared/envelope'
import { BrokerError } from '#shared/errors'
import type { Entry } from '#shared/stream-log'
import { KMS_HOLD_MS } from './limits.ts'

/**
 * @returns the body as text
 * @throws {BrokerError} of KMS or of the envelope; see decide-settlement.ts
 */
export type OpenBody = (entry: Entry) => Promise<string>

export function createOpenBody({ openingKeys, clock }: { openingKeys: OpeningKeys; clock: Clock }): OpenBody {
  const refusals = createRefusals(clock)

  return async (entry) => {
    const { sealed, body } = entry
    if (sealed === undefined) return body.toString('utf8')
    const refusal = refusals.find(sealed.keyArn, entry.principal)
    if (refusal !== undefined) throw refusal
    try {
      const dataKey = await openingKeys.obtain({
        ...sealed,
        dataKeyId: readDataKeyId(body),
        topicArn: entry.topicArn,
        principal: entry.principal,
      })
      return open(body, { dataKey, context: contextOf(entry) }).toString('utf8')
    } catch (error) {
      if (isRefusal(error)) refusals.remember(sealed.keyArn, entry.principal, error)
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

function isRefusal(error: unknown): error is BrokerError {
  return error instanceof BrokerError && error.code.startsWith('KMS_') && error.code !== 'KMS_INTEGRITY'
}

function createRefusals(clock: Clock) {
  const refusals = new Map<string, { error: BrokerError; until: number }>()
  // ARNs hold no line break.
  const nameOf = (keyArn: string, principal: string) => `${keyArn}\n${principal}`
  return {
    find(keyArn: string, principal: string): BrokerError | undefined {
      if (refusals.size === 0) return undefined
      const name = nameOf(keyArn, principal)
      const refusal = refusals.get(name)
      if (refusal === undefined) return undefined
      if (clock.now() < refusal.until) return refusal.error
      refusals.delete(name)
      return undefined
    },
    remember(keyArn: string, principal: string, error: BrokerError): void {
      refusals.set(nameOf(keyArn, principal), { error, until: clock.now() + KMS_HOLD_MS })
    },
  }
}
