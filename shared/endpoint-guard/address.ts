/**
 * IP addresses as numbers: parsed strictly, compared by prefix.
 *
 * Takes exactly what `net.isIP` takes, which is what a resolver gives and what a URL's host becomes. The
 * other spellings (decimal, octal, hex, short, full-width digits) are the URL parser's to normalise;
 * judge-host.test.ts holds it to that. Not `net.BlockList`: it says yes or no to one list, and neither
 * which range it was nor the narrowest that holds.
 *
 * Grammar: RFC 4291, 2.2; zone ids: RFC 4007, 11.
 */

export interface Address {
  readonly family: 4 | 6
  readonly value: bigint
}

export interface Network {
  /** Its lowest address. */
  readonly address: Address
  readonly prefixLength: number
}

/** Bits of an address, by family. */
const ADDRESS_BITS = { 4: 32, 6: 128 } as const

/** @returns undefined when the text is no address; a zone id is dropped, as it names the way and not the place */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) return ofFamily(4, parseIpv4(text))
  return ofFamily(6, parseIpv6(text.replace(/%[0-9A-Za-z._~-]+$/, '')))
}

/**
 * @param text an address, or a network as `address/length`
 * @returns undefined when it is none, or when bits are set behind the prefix: then it is unclear what was meant
 */
export function parseNetwork(text: string): Network | undefined {
  const [, host = '', length] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const address = parseAddress(host)
  if (address === undefined) return undefined
  const bits = ADDRESS_BITS[address.family]
  const prefixLength = length === undefined ? bits : Number(length)
  if (prefixLength > bits) return undefined
  const network = { address, prefixLength }
  const free = BigInt(bits - prefixLength)
  return (address.value >> free) << free === address.value ? network : undefined
}

export function contains({ address: base, prefixLength }: Network, address: Address): boolean {
  if (base.family !== address.family) return false
  const free = BigInt(ADDRESS_BITS[base.family] - prefixLength)
  return base.value >> free === address.value >> free
}

function ofFamily(family: 4 | 6, value: bigint | undefined): Address | undefined {
  return value === undefined ? undefined : { family, value }
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.')
  // No leading zeros: some readers take them for octal.
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined
  }
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n)
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const groups = halves.map((half, index) => parseGroups(half, index === halves.length - 1))
  const [head, tail] = groups
  if (head === undefined) return undefined
  if (halves.length === 1) return head.length === 8 ? join(head) : undefined
  // The gap stands for at least one group.
  if (tail === undefined || head.length + tail.length > 7) return undefined
  return join([...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail])
}

/** @param isLast only then the text may end in a dotted IPv4 address */
function parseGroups(text: string, isLast: boolean): number[] | undefined {
  const parts = text === '' ? [] : text.split(':')
  const groups: number[] = []
  for (const [index, part] of parts.entries()) {
    if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const ipv4 = isLast && index === parts.length - 1 ? parseIpv4(part) : undefined
    if (ipv4 === undefined) return undefined
    groups.push(Number(ipv4 >> 16n), Number(ipv4 & 0xffffn))
  }
  return groups
}

function join(groups: readonly number[]): bigint {
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n)
}
