/**
 * Where the demo's subscriber listens and how workers call it. Workers of `up` are on this machine; workers in containers
 * reach it through Docker's bridge, or, where Docker runs in a virtual machine of its own, are led to its loopback.
 */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const LOOPBACK = '127.0.0.1'

/**
 * @param endpointHost as the stack's `env` gives it; undefined: the workers are no containers
 * @param readBridge what tells the bridge's address; empty where there is none
 */
export async function reachableFrom(
  endpointHost: string | undefined,
  readBridge: () => Promise<string> = showBridge,
): Promise<{ host: string; listenOn: string }> {
  if (!endpointHost) return { host: 'localhost', listenOn: LOOPBACK }
  const [, address] = /\binet (\d+\.\d+\.\d+\.\d+)\//.exec(await readBridge()) ?? []
  return { host: endpointHost, listenOn: address ?? LOOPBACK }
}

/** By `ip`: Node's own list leaves out a bridge that no container is attached to, and yet it is what host-gateway leads to. */
async function showBridge(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('ip', ['-4', '-o', 'addr', 'show', 'dev', 'docker0'])
    return stdout
  } catch {
    return ''
  }
}
