/**
 * Takes a Redis URL apart.
 *
 * Not left to ioredis, which reads any option out of the URL's query (and lets it win over ours, so
 * that a URL could switch the offline queue on), and whose errors show the URL with its password.
 */

import { RedisUrlError } from './errors.ts'

interface RedisAddress {
  host: string
  port: number
  username?: string
  password?: string
  db: number
  tls: boolean
}

const DEFAULT_PORT = 6379

/** @throws {RedisUrlError} without the URL's text */
export function parseRedisUrl(url: string): RedisAddress {
  if (!URL.canParse(url)) throw new RedisUrlError('it is no URL')
  const parsed = new URL(url)
  if (parsed.protocol !== 'redis:' && parsed.protocol !== 'rediss:') throw new RedisUrlError('its scheme is another')
  if (parsed.hostname === '') throw new RedisUrlError('it names no host')
  if (parsed.search !== '' || parsed.hash !== '') throw new RedisUrlError('it has a query or a fragment')
  const database = /^\/?(\d{0,5})$/.exec(parsed.pathname)
  if (database === null) throw new RedisUrlError('its path is no database number')
  const username = decode(parsed.username)
  const password = decode(parsed.password)
  if (username !== '' && password === '') throw new RedisUrlError('it has a user without a password')
  return {
    // An IPv6 address stands in brackets in a URL and without them everywhere else.
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? DEFAULT_PORT : Number(parsed.port),
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    db: Number(database[1]),
    tls: parsed.protocol === 'rediss:',
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new RedisUrlError('its user or password is badly percent-encoded')
  }
}
