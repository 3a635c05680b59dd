/**
 * Takes an endpoint URL apart, once per subscription rather than once per delivery.
 *
 * Inline credentials (`https://user:password@host/`) leave the URL here: they are sent only to answer
 * a challenge, and never appear in a log.
 */

export interface HttpTarget {
  /** Scheme, host and port, as the connection pool is keyed. */
  readonly origin: string
  /** Path and query as given. */
  readonly path: string
  /** Host and port, for logs. */
  readonly host: string
  /** Value of an Authorization header (Basic), for endpoints that ask for it. */
  readonly basicAuthorization?: string
}

/** @returns undefined when the endpoint is no http or https URL */
export function parseHttpTarget(endpoint: string): HttpTarget | undefined {
  const url = URL.parse(endpoint)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined
  const target = { origin: url.origin, path: url.pathname + url.search, host: url.host }
  if (url.username === '' && url.password === '') return target
  const credentials = decodePercent(`${url.username}:${url.password}`)
  if (credentials === undefined) return undefined
  // RFC 7617, 2 and 2.1: user and password as UTF-8.
  return { ...target, basicAuthorization: `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}` }
}

function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
