/**
 * SEALCAST_ENDPOINT_NETWORKS: where endpoints may be beside public addresses.
 *
 * Comma-separated: `loopback`, `private`, single addresses and networks of those two (`10.1.0.0/16`).
 * `public` adds nothing and is there to say so. A network must lie inside one loopback or private range:
 * so none can allow what is always refused, and `0.0.0.0/0` cannot be written by somebody in a hurry.
 */

import type { SettingReader } from '#shared/config'
import { type Network, parseNetwork } from './address.ts'
import { rangeAround } from './ranges.ts'

export const ENDPOINT_NETWORKS_SETTING = 'SEALCAST_ENDPOINT_NETWORKS'

export interface EndpointNetworks {
  readonly kinds: ReadonlySet<'loopback' | 'private'>
  readonly networks: readonly Network[]
}

/** What holds unless an operator says more. */
export const PUBLIC_ONLY: EndpointNetworks = { kinds: new Set(), networks: [] }

/** Reads the setting; gateways and workers read the same one. */
export function readEndpointNetworks(read: Pick<SettingReader, 'list' | 'refuse'>): EndpointNetworks {
  const kinds = new Set<'loopback' | 'private'>()
  const networks: Network[] = []
  for (const item of read.list(ENDPOINT_NETWORKS_SETTING, { default: [] })) {
    if (item === 'public') continue
    if (item === 'loopback' || item === 'private') {
      kinds.add(item)
      continue
    }
    const network = parseNetwork(item)
    if (network === undefined) {
      read.refuse(ENDPOINT_NETWORKS_SETTING, `must list public, loopback, private or networks, current item is ${item}`)
      continue
    }
    const { kind } = rangeAround(network)
    if (kind === 'loopback' || kind === 'private') networks.push(network)
    else read.refuse(ENDPOINT_NETWORKS_SETTING, `cannot allow ${item}: it lies in no loopback or private range`)
  }
  return { kinds, networks }
}
