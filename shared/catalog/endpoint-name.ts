import { hashParts } from '#shared/framing'
import type { Subscription } from './records.ts'

/** What makes two Subscribe calls on a topic one subscription. */
export type EndpointOwner = Pick<Subscription, 'protocol' | 'endpoint' | 'owner'>

/** Names them in the index of endpoints: a digest, since endpoints are long and may hold credentials. Frozen. */
export function endpointName({ protocol, endpoint, owner }: EndpointOwner): string {
  return hashParts([protocol, endpoint, owner]).toString('base64url')
}
