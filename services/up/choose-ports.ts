/**
 * Decides on every port before anything is started, so that a restarted process gets its old one and a
 * taken port is told by the name of the variable that moves it.
 */

import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { PortUnavailableError } from './errors.ts'

export interface PortWish {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** The variables that set them; a host nobody can change has none. */
  readonly variable: string
  readonly hostVariable?: string
}

/**
 * Below what Linux and macOS hand out for outgoing connections, which would otherwise take a chosen port
 * while its process restarts.
 */
const FREE_PORTS = { from: 20_000, to: 32_000 }
const ATTEMPTS = 100

/** @throws {PortUnavailableError} naming the variable */
export async function choosePorts<W extends { readonly [name: string]: PortWish }>(
  wishes: W,
): Promise<{ [name in keyof W]: number }> {
  // All are held until all are chosen, so that no two get the same one; the fixed ones first.
  const held: Server[] = []
  const chosen: [string, number][] = []
  try {
    const ordered = Object.entries(wishes).toSorted(([, a], [, b]) => Number(a.port === 0) - Number(b.port === 0))
    for (const [name, wish] of ordered) {
      const { port, server } = await hold(wish)
      held.push(server)
      chosen.push([name, port])
    }
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  }
  return Object.fromEntries(chosen) as { [name in keyof W]: number }
}

async function hold({ host, port, variable, hostVariable }: PortWish): Promise<{ port: number; server: Server }> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const candidate = port === 0 ? randomInt(FREE_PORTS.from, FREE_PORTS.to) : port
    try {
      return { port: candidate, server: await listen(candidate, host) }
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      if (port === 0 && code === 'EADDRINUSE') continue
      const isHostWrong = code !== 'EADDRINUSE' && code !== 'EACCES' && hostVariable !== undefined
      const remedy = isHostWrong ? `${hostVariable} sets another host` : `${variable} sets another (0: any free one)`
      throw new PortUnavailableError(`Cannot start: ${describe(code, host, candidate)}; ${remedy}`)
    }
  }
  throw new PortUnavailableError(`Cannot start: no free port was found for ${variable}`)
}

function describe(code: string, host: string, port: number): string {
  if (code === 'EADDRINUSE') return `port ${port} on ${host} is in use`
  if (code === 'EACCES') return `port ${port} on ${host} needs more rights than this process has`
  return `port ${port} on ${host} cannot be listened on (${code})`
}

function listen(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ port, host }, () => resolve(server))
  })
}
