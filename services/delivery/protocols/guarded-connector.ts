/**
 * Opens connections to endpoints, to allowed addresses alone.
 *
 * A name is judged by the addresses that this very connection is going to be tried at: the filter stands
 * between the resolver's answer and the socket, which sees nothing else, however many addresses it tries.
 * A second look-up, which could answer differently (DNS rebinding), does not take place. Addresses that are
 * refused are left out; when none is left there is no connection. A kept connection is not judged again:
 * its peer stays the one it was opened to, whatever the name leads to later.
 *
 * Proxies of the environment (HTTP_PROXY) are not asked: a proxy would resolve the name itself.
 */

import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { SecureContext } from 'node:tls'
import { buildConnector } from 'undici'
import { type EndpointNetworks, judgeAddress, type RefusalReason } from '#shared/endpoint-guard'
import { BrokerError } from '#shared/errors'
import { shareLookups } from './share-lookups.ts'

/**
 * No address of the endpoint is allowed. Of an endpoint given as an address that is final. A name may lead
 * elsewhere next time, as one that was not found may be found (a sinkhole, a resolver's wrong view, a fail-over
 * half done): giving up at once could lose messages, and each try costs one look-up and sends nothing.
 */
export class EndpointAddressRefusedError extends BrokerError {
  override readonly code = 'ENDPOINT_ADDRESS_REFUSED'
  override readonly fault = 'sender'
  override readonly retryable: boolean

  constructor({ retryable }: { retryable: boolean }) {
    super('Cannot connect to the endpoint: its address is not allowed')
    this.retryable = retryable
  }
}

/** @property host without port, path and credentials */
export type OnEndpointRefused = (o: { host: string; reason: RefusalReason }) => void

/** @param lookup the resolver; net.connect's own unless a test has another */
export function createGuardedConnector({
  networks,
  onRefused,
  trust,
  timeoutMs,
  lookup = systemLookup as LookupFunction,
}: {
  networks: EndpointNetworks
  onRefused: OnEndpointRefused
  trust: SecureContext
  timeoutMs: number
  lookup?: LookupFunction
}): buildConnector.connector {
  // All addresses of a name, even where one would do: the first may be refused and the second not.
  const lookupAll = shareLookups(lookup)
  const guardedLookup: LookupFunction = (host, options, callback) => {
    lookupAll(host, options, (error, answer) => {
      if (error !== null) {
        callback(error, '')
        return
      }
      const reasons: RefusalReason[] = []
      const allowed = (Array.isArray(answer) ? answer : []).filter(({ address }) => {
        const reason = judgeAddress(address, networks)
        if (reason !== undefined) reasons.push(reason)
        return reason === undefined
      })
      const [first] = allowed
      if (first === undefined) {
        onRefused({ host, reason: reasons[0] ?? 'unreadable' })
        callback(new EndpointAddressRefusedError({ retryable: true }), '')
      } else if (options.all) {
        callback(null, allowed)
      } else {
        callback(null, first.address, first.family)
      }
    })
  }
  const connect = buildConnector({ secureContext: trust, timeout: timeoutMs, allowH2: false, lookup: guardedLookup })

  return (options, callback) => {
    const { hostname: host } = options
    // A socket asks no resolver for an address.
    const reason = isIP(host) === 0 ? undefined : judgeAddress(host, networks)
    if (reason === undefined) {
      connect(options, callback)
      return
    }
    onRefused({ host, reason })
    // Later, as a socket would: the pool is not made for an answer within the call.
    process.nextTick(callback, new EndpointAddressRefusedError({ retryable: false }), null)
  }
}
