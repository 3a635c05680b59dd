/** redis-server as a process of this machine's own program. */

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Server } from './server.ts'

/** Resolves when the server says that it accepts connections. */
export async function startRedisProcess(args: readonly string[]): Promise<Server> {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const lastLines: string[] = []
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`redis-server did not start: ${lastLines.join(' | ')}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      // Reading goes on after the start: a full pipe would block the server.
      if (line.includes('Ready to accept connections')) resolve()
      lastLines.push(line)
      if (lastLines.length > 5) lastLines.shift()
    })
  })
  const { pid } = child
  if (pid === undefined) throw new Error('redis-server did not start: no pid')
  return { pid, exited, signal: (name) => void child.kill(name) }
}
