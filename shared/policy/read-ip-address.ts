/**
 * Reads an IP address as text into its bytes: 4, or 16 for IPv6.
 *
 * An IPv4 address in IPv6's form (`::ffff:192.0.2.1`), as sockets report them, is the IPv4 address: a rule for the one must not
 * be passed by the other. Octets with leading zeros are refused, since some read them as octal.
 *
 * Rules: RFC 4291, 2.2.
 */

export type IpAddress = readonly number[]

const OCTET = /^(?:0|[1-9]\d{0,2})$/
const GROUP = /^[0-9A-Fa-f]{1,4}$/
const GROUPS = 8
const MAPPED_PREFIX_BYTES = 12
/** The longest form: six groups and an IPv4 address. */
const MAX_CHARACTERS = 45

export function readIpAddress(text: string): IpAddress | undefined {
  if (text.length > MAX_CHARACTERS) return undefined
  return text.includes(':') ? readIpv6(text) : readIpv4(text)
}

function readIpv4(text: string): number[] | undefined {
  const octets = text.split('.')
  if (octets.length !== 4) return undefined
  const bytes: number[] = []
  for (const octet of octets) {
    if (!OCTET.test(octet) || Number(octet) > 255) return undefined
    bytes.push(Number(octet))
  }
  return bytes
}

function readIpv6(text: string): number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, i) => readGroups(half, i === halves.length - 1))
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined
  const missing = GROUPS * 2 - head.length - (tail?.length ?? 0)
  // `::` stands for at least one group.
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined
  const bytes = [...head, ...new Array<number>(missing).fill(0), ...(tail ?? [])]
  return isMapped(bytes) ? bytes.slice(MAPPED_PREFIX_BYTES) : bytes
}

/** @param mayEndInIpv4 whether the last group may be an IPv4 address */
function readGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [i, group] of groups.entries()) {
    if (mayEndInIpv4 && i === groups.length - 1 && group.includes('.')) {
      const ipv4 = readIpv4(group)
      if (ipv4 === undefined) return undefined
      bytes.push(...ipv4)
    } else {
      if (!GROUP.test(group)) return undefined
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    }
  }
  return bytes.length > GROUPS * 2 ? undefined : bytes
}

function isMapped(bytes: readonly number[]): boolean {
  return bytes[10] === 0xff && bytes[11] === 0xff && bytes.slice(0, 10).every((byte) => byte === 0)
}
