/**
 * Hands over to the command's TypeScript entry on a Node that can run it, and is to the outside what
 * that process is: same terminal, same signals, same exit.
 *
 * Node 20 has no exec, so a small parent stays. It passes on each signal it receives once. At a
 * terminal Ctrl-C reaches the whole foreground group, so the entry may see one press several times;
 * entries take signals that follow within a moment as the same request.
 */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import process from 'node:process'
import { BootstrapError } from './progress.mjs'
import { runCommand } from './run-command.mjs'
import { STOP_SIGNALS } from './signals.mjs'

const OLDEST_NODE = 24

/**
 * Where V8's code and the stripped TypeScript are kept from one start to the next, checked against the source's content
 * by Node. Measured: the processor time of a gateway's start falls from 0.45 to 0.23 s.
 */
const COMPILE_CACHE = ['node_modules', '.cache', 'compiled']

/** The pinned Node of node_modules; where that does not run (another libc), the one we are on. */
export async function findNode(root) {
  const pinned = join(root, 'node_modules', 'node', 'bin', 'node')
  for (const path of [pinned, process.execPath]) {
    const { ok, output } = await runCommand(path, ['--version'])
    const version = output.trim().replace(/^v/, '')
    if (ok && Number.parseInt(version, 10) >= OLDEST_NODE) return { did: version, value: path }
  }
  throw new BootstrapError(
    `Node ${OLDEST_NODE} or newer is needed: ${pinned} does not run here, and this is Node ${process.versions.node}. Install Node ${OLDEST_NODE} and run this again.`,
  )
}

/**
 * @param stopsWithUs gives the entry an IPC channel, whose closing tells it even of our kill -9
 * @returns once the entry has ended; this process then ends in the same way
 */
export function runEntry({ root, node, entry, args, stopsWithUs }) {
  const env = { NODE_COMPILE_CACHE: join(root, ...COMPILE_CACHE), ...process.env }
  const stdio = stopsWithUs ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit'
  const child = spawn(node, [entry, ...args], { env, stdio })
  const forwarders = [...STOP_SIGNALS, 'SIGUSR2'].map((signal) => [signal, () => child.kill(signal)])
  for (const [signal, forward] of forwarders) process.on(signal, forward)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      for (const [name, forward] of forwarders) process.removeListener(name, forward)
      if (signal !== null) process.kill(process.pid, signal)
      process.exitCode = code ?? 1
      resolve()
    })
  })
}
