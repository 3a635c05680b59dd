/** strace beside a redis-server: when which bytes of the AOF were synced, and syncs made slow. */

import { spawn } from 'node:child_process'

const AOF = /\.incr\.aof$/

export interface SyncedLength {
  /** Bytes of the AOF that were written before the last sync that ended began. */
  bytes: number
  /** When that sync began, epoch ms. */
  at: number
}

/** strace, which ends with its server. */
export interface Tracer {
  readonly ended: Promise<void>
}

export async function traceSyncs(pid: number, logFile: string): Promise<Tracer> {
  return attach(pid, ['-ttt', '-y', '-s', '0', '-e', 'trace=write,fdatasync', '-o', logFile])
}

export async function slowDownSyncs(pid: number, delayMs: number): Promise<Tracer> {
  return attach(pid, [
    '-e',
    'trace=fdatasync',
    '-e',
    `inject=fdatasync:delay_enter=${delayMs * 1000}`,
    '-o',
    '/dev/null',
  ])
}

async function attach(pid: number, args: readonly string[]): Promise<Tracer> {
  const tracer = spawn('strace', ['-f', ...args, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = new Promise<void>((resolve) => {
    tracer.once('error', () => resolve())
    tracer.once('exit', () => resolve())
  })
  let said = ''
  const attached = new Promise<void>((resolve) => {
    // Reading goes on: strace dies of a pipe that nobody holds.
    tracer.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8')
      if (/attached/.test(said)) resolve()
    })
  })
  await Promise.race([attached, ended])
  if (!/attached/.test(said))
    throw new Error(`strace could not attach to redis-server: ${said.trim() || 'is it installed?'}`)
  return { ended }
}

/**
 * Reads what strace wrote: threads run at once, so a call may stand in two lines, begun and resumed.
 *
 * @param startBytes length of the AOF when tracing began
 */
export function syncedLengthOf(trace: string, startBytes: number): SyncedLength {
  let written = startBytes
  let synced: SyncedLength = { bytes: startBytes, at: 0 }
  const begunSyncs = new Map<string, SyncedLength>()
  const begunWrites = new Set<string>()
  for (const line of trace.split('\n')) {
    const found = /^(\d+)\s+([\d.]+) (?:<\.\.\. )?(write|fdatasync)(?:\(\d+<([^>]*)>| resumed>)(.*)$/.exec(line)
    if (found === null) continue
    const [, thread = '', seconds = '', call, path, rest = ''] = found
    if (path !== undefined && !AOF.test(path)) continue
    const result = /\) += (-?\d+)/.exec(rest)?.[1]
    if (call === 'write') {
      if (result === undefined) begunWrites.add(thread)
      else if (path !== undefined || begunWrites.delete(thread)) written += Math.max(0, Number(result))
      continue
    }
    const begun = path === undefined ? begunSyncs.get(thread) : { bytes: written, at: Number(seconds) * 1000 }
    if (begun === undefined) continue
    if (result === undefined) begunSyncs.set(thread, begun)
    else if (result === '0' && begun.bytes >= synced.bytes) synced = begun
  }
  return synced
}
