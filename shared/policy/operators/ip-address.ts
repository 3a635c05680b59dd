/** Addresses in a network: IPv4 and IPv6, a single address or CIDR. */

import { MalformedPolicyError } from '../errors.ts'
import { type IpAddress as Address, readIpAddress } from '../read-ip-address.ts'
import { rememberLast } from '../remember-last.ts'
import { bothWays, type OperatorTable } from './operator.ts'

const readActual = rememberLast(readIpAddress)

const [IpAddress, NotIpAddress] = bothWays((text, _rules, place) => {
  const network = readNetwork(text)
  if (network === undefined) throw new MalformedPolicyError('bad-value', place)
  return {
    variables: [],
    matches: (value) => {
      const address = readActual(value)
      return address !== undefined && isIn(address, network)
    },
  }
})

export const IP_OPERATORS: OperatorTable = { IpAddress, NotIpAddress }

interface Network {
  readonly address: Address
  readonly prefixBits: number
}

const PREFIX = /^(?:0|[1-9]\d{0,2})$/

function readNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/')
  const address = readIpAddress(slash === -1 ? text : text.slice(0, slash))
  if (address === undefined) return undefined
  if (slash === -1) return { address, prefixBits: address.length * 8 }
  const prefix = text.slice(slash + 1)
  if (!PREFIX.test(prefix)) return undefined
  // An IPv4 address in IPv6's form was made IPv4: 96 of its bits are gone.
  const prefixBits = Number(prefix) - (address.length === 4 && text.includes(':') ? 96 : 0)
  return prefixBits >= 0 && prefixBits <= address.length * 8 ? { address, prefixBits } : undefined
}

/** Bits behind the prefix count for nothing, in the policy as in the request. */
function isIn(address: Address, { address: base, prefixBits }: Network): boolean {
  if (address.length !== base.length) return false
  for (let i = 0, bits = prefixBits; bits > 0; i++, bits -= 8) {
    const ignored = Math.max(0, 8 - bits)
    if ((address[i] ?? 0) >> ignored !== (base[i] ?? 0) >> ignored) return false
  }
  return true
}
