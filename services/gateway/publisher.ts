/** Who publishes, as data keys and stored entries know it: its id, and what KMS has to know besides to give it a key. */

import type { DataKeyPair } from '#shared/data-keys'
import type { Principal } from '#shared/principals'
import type { Caller } from './caller.ts'

export interface Publisher {
  readonly id: string
  readonly grounds?: DataKeyPair['grounds']
}

/** Nothing is among the grounds that is no part of the id: who has the same id uses the data key they were looked at for. */
export function publisherOf({
  principal,
  source,
  session,
}: {
  readonly principal: Principal
  readonly source?: { readonly arn?: string; readonly account?: string }
  readonly session?: NonNullable<Caller['session']>
}): Publisher {
  const { publisher: id, sessionPolicy, sourceIdentity } = principal
  const grounds = {
    sessionPolicy: sessionPolicy?.text,
    sessionTags: session !== undefined && Object.keys(session.tags).length > 0 ? session.tags : undefined,
    sourceIdentity,
    sourceArn: source?.arn,
    sourceAccount: source?.account,
  }
  return Object.values(grounds).some((ground) => ground !== undefined) ? { id, grounds } : { id }
}
