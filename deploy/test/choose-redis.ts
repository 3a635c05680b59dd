/**
 * Where the tests' Redis comes from: containers, by testcontainers, or processes of the machine's own redis-server.
 *
 * `auto` takes containers where a Docker engine of this machine answers at once and has the image: asking costs
 * milliseconds, and no test run begins by downloading anything. SEALCAST_TEST_REDIS=container or process says which.
 */

import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'

export interface RedisChoice {
  readonly from: 'container' | 'process'
  /** One line, for whoever reads the output. */
  readonly text: string
}

/** As shared/test-redis starts it. */
const IMAGE = 'redis:7.2-bookworm'
const DEFAULT_SOCKET = '/var/run/docker.sock'
/** An engine answers in milliseconds; a busy machine may take its time to notice. */
const WITHIN_MS = 1_000

/** @throws when `wish` is none of auto, container and process */
export async function chooseRedis(
  wish: string | undefined,
  dockerHost: string | undefined,
  platform: NodeJS.Platform = process.platform,
): Promise<RedisChoice> {
  if (wish === 'process') return { from: 'process', text: 'processes of redis-server, as SEALCAST_TEST_REDIS says' }
  if (wish === 'container') return { from: 'container', text: `containers of ${IMAGE}, as SEALCAST_TEST_REDIS says` }
  if (wish && wish !== 'auto') throw new Error('SEALCAST_TEST_REDIS must be auto, container or process')
  const instead = (why: string): RedisChoice => ({ from: 'process', text: `processes of redis-server; ${why}` })
  // Host network and host pids are Linux's; elsewhere the engine lives in a virtual machine.
  if (platform !== 'linux') return instead('containers need Linux')
  const socket = dockerHost ? /^unix:\/\/(\/.+)$/.exec(dockerHost)?.[1] : DEFAULT_SOCKET
  if (socket === undefined) return instead('the Docker engine is another machine')
  if ((await ask(socket, '/_ping')) !== 200) return instead('no Docker engine answers')
  if ((await ask(socket, `/images/${IMAGE}/json`)) !== 200) return instead(`the Docker engine has no ${IMAGE}`)
  return { from: 'container', text: `containers of ${IMAGE}` }
}

/** @returns the status, or undefined when nobody answers in time */
async function ask(socketPath: string, path: string): Promise<number | undefined> {
  try {
    const sent = request({ socketPath, path, signal: AbortSignal.timeout(WITHIN_MS) }).end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    response.resume()
    return response.statusCode
  } catch {
    return undefined
  }
}
