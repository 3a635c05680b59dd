/**
 * What every address is: the table of ranges, each with the document it comes from.
 *
 * The narrowest range that holds an address decides. All IPv6 space outside 2000::/3 is refused unless a
 * row says otherwise, since nothing there has been given to hosts; IPv4 is the other way round.
 * Follows the IANA special-purpose registries (RFC 6890, 8190); cloud metadata by the clouds' own manuals.
 */

import { type Address, contains, type Network, parseNetwork } from './address.ts'
import { ipv4At, localNat64, teredo } from './embedded-address.ts'

export type RangeKind =
  | 'public'
  /** Allowed where the operator says so. */
  | 'loopback'
  | 'private'
  /** Never allowed: no endpoint of anybody's own is there. */
  | 'metadata'
  | 'link-local'
  | 'unspecified'
  | 'multicast'
  | 'documentation'
  | 'reserved'

export interface Range {
  readonly network: Network
  readonly kind: RangeKind
  /** IPv4 addresses that packets to an address of this range may end at: they are judged too. */
  readonly embedded?: (value: bigint) => readonly bigint[]
}

const TABLE: readonly (readonly [cidr: string, kind: RangeKind, embedded?: Range['embedded']])[] = [
  ['0.0.0.0/0', 'public'],
  // "This host on this network": Linux connects 0.0.0.0 to itself. RFC 1122, 3.2.1.3.
  ['0.0.0.0/8', 'unspecified'],
  ['10.0.0.0/8', 'private'], // RFC 1918
  ['100.64.0.0/10', 'private'], // RFC 6598, shared address space; also clusters and overlay networks
  ['100.100.100.200/32', 'metadata'], // Alibaba Cloud
  ['127.0.0.0/8', 'loopback'], // RFC 1122, 3.2.1.3
  ['168.63.129.16/32', 'metadata'], // Azure's wire server, on a public address
  ['169.254.0.0/16', 'link-local'], // RFC 3927
  ['169.254.169.254/32', 'metadata'], // AWS, Azure, Google Cloud, Oracle, OpenStack and others
  ['169.254.170.2/32', 'metadata'], // AWS: credentials of ECS tasks
  ['169.254.170.23/32', 'metadata'], // AWS: credentials of EKS pods
  ['172.16.0.0/12', 'private'], // RFC 1918
  ['192.0.0.0/24', 'reserved'], // RFC 6890, IETF protocol assignments
  ['192.0.0.192/32', 'metadata'], // Oracle Cloud's older address
  // Nobody's: a name that leads there is a mistake. RFC 5737, 3.
  ['192.0.2.0/24', 'documentation'],
  ['192.88.99.0/24', 'reserved'], // RFC 7526, the deprecated 6to4 relays: where packets go is anybody's guess
  ['192.168.0.0/16', 'private'], // RFC 1918
  ['198.18.0.0/15', 'private'], // RFC 2544, benchmarking; used inside networks, routed by none
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'], // RFC 5771
  ['240.0.0.0/4', 'reserved'], // RFC 1112, 4; the broadcast address (RFC 919) is its last

  ['::/0', 'reserved'], // RFC 4291, 2.4: not given out
  ['2000::/3', 'public'], // RFC 4291, 2.5.4: what has been given out
  ['::/96', 'public', ipv4At(0)], // RFC 4291, 2.5.5.1, IPv4-compatible, deprecated
  ['::/128', 'unspecified'], // RFC 4291, 2.5.2
  ['::1/128', 'loopback'], // RFC 4291, 2.5.3
  ['::ffff:0:0/96', 'public', ipv4At(0)], // RFC 4291, 2.5.5.2, IPv4-mapped: the socket is an IPv4 one
  ['::ffff:0:0:0/96', 'public', ipv4At(0)], // RFC 2765, 2.1, IPv4-translated
  ['64:ff9b::/96', 'public', ipv4At(0)], // RFC 6052, 2.1, NAT64
  ['64:ff9b:1::/48', 'private', localNat64], // RFC 8215, NAT64 inside a network
  ['2001::/23', 'reserved'], // RFC 2928, IETF protocol assignments
  ['2001::/32', 'public', teredo], // RFC 4380
  ['2001:2::/48', 'private'], // RFC 5180, benchmarking, as 198.18.0.0/15
  ['2001:db8::/32', 'documentation'], // RFC 3849
  ['2002::/16', 'public', ipv4At(80)], // RFC 3056, 2, 6to4
  ['3fff::/20', 'documentation'], // RFC 9637
  ['fc00::/7', 'private'], // RFC 4193
  ['fd00:42::42/128', 'metadata'], // Scaleway
  ['fd00:100::100:200/128', 'metadata'], // Alibaba Cloud
  ['fd00:a9fe:a9fe::1/128', 'metadata'], // Linode
  ['fd00:c1::a9fe:a9fe/128', 'metadata'], // Oracle Cloud
  ['fd00:ec2::/32', 'metadata'], // AWS: metadata at ::254, pod credentials at ::23, DNS, time
  ['fd20:ce::254/128', 'metadata'], // Google Cloud
  ['fe80::/10', 'link-local'], // RFC 4291, 2.5.6
  ['fec0::/10', 'private'], // RFC 3879, site-local, deprecated but still in use
  ['ff00::/8', 'multicast'], // RFC 4291, 2.7
]

/** Narrowest first, so that the first match decides. */
const RANGES: readonly Range[] = TABLE.map(([cidr, kind, embedded]) => {
  const network = parseNetwork(cidr)
  if (network === undefined) throw new Error(`Cannot read the table of ranges: ${cidr} is no network`)
  return { network, kind, ...(embedded && { embedded }) }
}).sort((a, b) => b.network.prefixLength - a.network.prefixLength)

const EVERYTHING: Range = { network: { address: { family: 6, value: 0n }, prefixLength: 0 }, kind: 'reserved' }

export function rangeOf(address: Address): Range {
  return RANGES.find(({ network }) => contains(network, address)) ?? EVERYTHING
}

/** The narrowest range that holds all of the network. */
export function rangeAround({ address, prefixLength }: Network): Range {
  const around = RANGES.find(({ network }) => network.prefixLength <= prefixLength && contains(network, address))
  return around ?? EVERYTHING
}

/** Every IPv4 address inside an address, as an address of its own. */
export function embeddedAddresses(range: Range, { value }: Address): readonly Address[] {
  return (range.embedded?.(value) ?? []).map((embedded) => ({ family: 4, value: embedded }))
}
