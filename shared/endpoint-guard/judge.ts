/**
 * May a worker connect to this address, may an endpoint name this host? Pure: nothing is resolved.
 *
 * An address is judged with every IPv4 address inside it, and all of them must be allowed: an IPv6
 * spelling must not lead where the IPv4 one is refused.
 */

import { type Address, contains, parseAddress } from './address.ts'
import type { EndpointNetworks } from './endpoint-networks.ts'
import { embeddedAddresses, type RangeKind, rangeOf } from './ranges.ts'

/** Why an address is refused; a bounded set, it labels metrics. */
export type RefusalReason = Exclude<RangeKind, 'public'> | 'unreadable'

/**
 * @param text an address as a resolver or a URL's host gives it; a zone id is dropped
 * @returns undefined when it is allowed
 */
export function judgeAddress(text: string, networks: EndpointNetworks): RefusalReason | undefined {
  const address = parseAddress(text)
  if (address === undefined) return 'unreadable'
  const inside = embeddedAddresses(rangeOf(address), address)
  for (const one of [address, ...inside]) {
    const reason = judgeOne(one, networks)
    if (reason !== undefined) return reason
  }
  return undefined
}

/**
 * Judges a host as far as it can be judged without a resolver: addresses, and names of the machine itself
 * (RFC 6761, 6.3). What any other name leads to is only known when a worker connects.
 *
 * @param hostname of a parsed URL: normalised, IPv6 in brackets
 */
export function judgeHost(hostname: string, networks: EndpointNetworks): RefusalReason | undefined {
  if (hostname.startsWith('[')) return judgeAddress(hostname.slice(1, -1), networks)
  if (/^[\d.]+$/.test(hostname)) return judgeAddress(hostname, networks)
  if (/(^|\.)localhost\.?$/.test(hostname)) {
    const refused = (['127.0.0.1', '::1'] as const).every((address) => judgeAddress(address, networks) !== undefined)
    return refused ? 'loopback' : undefined
  }
  return undefined
}

function judgeOne(address: Address, networks: EndpointNetworks): RefusalReason | undefined {
  const { kind } = rangeOf(address)
  if (kind === 'public') return undefined
  if (kind !== 'loopback' && kind !== 'private') return kind
  if (networks.kinds.has(kind)) return undefined
  return networks.networks.some((network) => contains(network, address)) ? undefined : kind
}
