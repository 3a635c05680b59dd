/**
 * Protocol and endpoint of a Subscribe call, with SNS's refusals. Pure: nothing is resolved or reached.
 *
 * SNS probes an endpoint when it is subscribed. Here only workers reach out, and what a name leads to they
 * learn when they connect; so a host is refused for what it says by itself.
 */

import { type EndpointNetworks, judgeHost } from '#shared/endpoint-guard'
import { echo, InvalidParameterError } from '#shared/sns-wire'

/** Longest URL taken. SNS states no bound; browsers and proxies stop near here. */
const ENDPOINT_LENGTH = 2048

/** White space and control characters. */
const BLANK = /[\s\p{Cc}]/u

/**
 * @returns the endpoint exactly as given: it is part of the subscription's identity
 * @throws {InvalidParameterError}
 */
export function checkEndpoint({
  protocol,
  endpoint,
  networks,
}: {
  protocol: string
  endpoint: string | undefined
  networks: EndpointNetworks
}): { protocol: 'http' | 'https'; endpoint: string } {
  if (protocol !== 'http' && protocol !== 'https') {
    throw new InvalidParameterError(
      `Invalid parameter: Amazon SNS does not support this protocol string: ${echo(protocol)}`,
    )
  }
  // URL parsers drop tabs and line breaks and trim blanks: what they read would not be what is stored.
  if (endpoint === undefined || endpoint === '' || endpoint.length > ENDPOINT_LENGTH || BLANK.test(endpoint)) {
    throw new InvalidParameterError('Invalid parameter: Endpoint')
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(endpoint)?.[1]?.toLowerCase()
  if (scheme !== protocol) {
    throw new InvalidParameterError('Invalid parameter: Endpoint must match the specified protocol')
  }
  const url = URL.parse(endpoint)
  if (url === null || url.hostname === '') throw new InvalidParameterError('Invalid parameter: Endpoint')
  if (protocol === 'http' && (url.username !== '' || url.password !== '')) {
    throw new InvalidParameterError(
      'Invalid parameter: Endpoint Reason: Please use HTTPS for subscriptions that contain inline credentials',
    )
  }
  // An underscore is no letter of a host name (RFC 952, RFC 1123 2.1), and SNS reaches no such host.
  if (url.hostname.includes('_') || judgeHost(url.hostname, networks) !== undefined) {
    throw new InvalidParameterError('Invalid parameter: Unreachable Endpoint')
  }
  return { protocol, endpoint }
}
