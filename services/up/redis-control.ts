/**
 * Asks a redis-server one thing, as its supervisor: does it answer, and please stop.
 *
 * Not through #shared/redis: that client reconnects for ever and waits while the server loads, which is
 * right for services and the opposite of what a probe is for.
 */

import { connect } from 'node:net'

/**
 * @param password base64url: it needs no quoting in Redis's inline form
 * @returns the first reply after authentication, e.g. `+PONG` or `-LOADING …`; undefined when nobody
 * answered in time, when the password is not its password, or when it closed the connection
 */
export function askRedis({
  host,
  port,
  password,
  command,
  timeoutMs = 1_000,
}: {
  host: string
  port: number
  password: string
  command: 'PING' | 'SHUTDOWN'
  timeoutMs?: number
}): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    let text = ''
    const end = (reply: string | undefined) => {
      socket.destroy()
      clearTimeout(timer)
      resolve(reply)
    }
    const timer = setTimeout(() => end(undefined), timeoutMs)
    socket.on('error', () => end(undefined))
    socket.on('close', () => end(undefined))
    socket.on('connect', () => socket.write(`AUTH ${password}\r\n${command}\r\n`))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const [authenticated, reply, rest] = text.split('\r\n')
      if (authenticated?.startsWith('-')) end(undefined)
      if (reply !== undefined && rest !== undefined) end(reply)
    })
  })
}
