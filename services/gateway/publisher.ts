/** Who publishes, as data keys and stored entries know it: its id, and what KMS has to know besides to give it a key. */

import type { DataKeyPair } from '#shared/data-keys'
import type { Principal } from '#shared/principals'

export interface Publisher {
  readonly id: string
  readonly grounds?: DataKeyPair['grounds']
}

export function publisherOf({
  principal,
  source,
}: {
  readonly principal: Principal
  readonly source?: { readonly arn?: string; readonly account?: string }
}): Publisher {
  const { publisher: id, sessionPolicy } = principal
  if (sessionPolicy === undefined && source === undefined) return { id }
  return { id, grounds: { sessionPolicy: sessionPolicy?.text, sourceArn: source?.arn, sourceAccount: source?.account } }
}
