/** What the KMS's own log says it served: the count that our code has no part in. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { TestKms } from '#shared/test-kms'

/** Data-key requests by operation, and for each publisher of a topic. */
export interface ServedRequests {
  GenerateDataKey: number
  Decrypt: number
  /** Requests of both kinds by `<topic ARN> <principal ARN>`. */
  byPair: ReadonlyMap<string, number>
}

/** The log comes through a pipe and may be behind the KMS's counter. */
const LOG_WITHIN_MS = 20_000

/**
 * @throws when log and counter of the KMS do not agree, or a data-key request failed
 */
export async function readServed(kms: TestKms): Promise<ServedRequests> {
  const counted = await kms.served()
  const due = Object.entries(counted).filter(([name]) => /^(GenerateDataKey|Decrypt) /.test(name))
  const total = due.reduce((sum, [, count]) => sum + count, 0)
  const refused = due.filter(([name]) => !name.endsWith(' ok'))
  if (refused.length > 0) throw new Error(`The KMS refused ${refused.map(([name]) => name).join(', ')}`)
  const deadline = performance.now() + LOG_WITHIN_MS
  for (;;) {
    const served = tally(kms.log)
    if (served.GenerateDataKey + served.Decrypt === total) return served
    if (performance.now() > deadline) {
      throw new Error(`The KMS counted ${total} and logged ${served.GenerateDataKey + served.Decrypt}`)
    }
    await sleep(50)
  }
}

function tally(log: TestKms['log']): ServedRequests {
  const served = { GenerateDataKey: 0, Decrypt: 0 }
  const byPair = new Map<string, number>()
  for (const { event, operation, onBehalfOf, encryptionContext } of log) {
    if (event !== 'request.served' || (operation !== 'GenerateDataKey' && operation !== 'Decrypt')) continue
    served[operation]++
    const pair = `${JSON.parse(String(encryptionContext))['aws:sns:topicArn']} ${onBehalfOf}`
    byPair.set(pair, (byPair.get(pair) ?? 0) + 1)
  }
  return { ...served, byPair }
}
