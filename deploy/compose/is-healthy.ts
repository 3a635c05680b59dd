/**
 * The health check of the containers: `node deploy/compose/is-healthy.ts tls 4443`, or `metric 9464 sealcast_workers_alive`.
 *
 * `tls`: a handshake with a certificate that this container trusts. A gateway listens only once it has reached Redis, a KMS
 * once its keystore is verified; a request instead would be counted and logged each time. `metric`: a gauge of /metrics
 * is 1 at least. Says why on standard error, which `docker inspect` keeps, and exits with 1.
 */

import { once } from 'node:events'
import { connect } from 'node:tls'

const WITHIN_MS = 3_000

const [kind, port, name] = process.argv.slice(2)
try {
  if (kind === 'tls') await shakeHands(Number(port))
  else if (kind === 'metric') await requireOne(Number(port), name ?? '')
  else throw new Error('Usage: is-healthy.ts tls <port> | metric <port> <name>')
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

async function shakeHands(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost' })
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(WITHIN_MS) })
  } finally {
    socket.destroy()
  }
}

async function requireOne(port: number, gauge: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(WITHIN_MS) })
  const text = await response.text()
  const value = Number(new RegExp(`^${gauge} (\\S+)$`, 'm').exec(text)?.[1])
  if (!(value >= 1)) throw new Error(`${gauge} is ${value}`)
}
