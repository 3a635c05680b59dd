/**
 * The client of the publish rows: wrk, fed with requests that were signed beforehand (wrk.lua).
 *
 * One thread, which the bare server of these rows leaves half idle: a client in Node would be busier than what it
 * measures. A run with any status but 2xx, any socket error, or too few requests counts for nothing.
 */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { endedChildrenSeconds } from './process-usage.ts'

export const CONNECTIONS = 64
export const WRK_THREADS = 1

export interface WrkRun {
  /** Answered. */
  readonly requests: number
  readonly seconds: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Processor seconds per second of wrk itself. */
  readonly cores: number
  /** The prepared requests did not last. */
  readonly usedUp: boolean
  /** Why the run counts for nothing; empty when it counts. */
  readonly problems: readonly string[]
}

/**
 * @param requests prefix of the files of prepared requests
 * @param repeat begins again when they are used up; only for a server that cannot tell
 */
export async function runWrk(o: { url: string; requests: string; seconds: number; repeat?: boolean }): Promise<WrkRun> {
  const cpuBefore = endedChildrenSeconds()
  const output = await run('wrk', [
    '--threads',
    String(WRK_THREADS),
    '--connections',
    String(CONNECTIONS),
    '--duration',
    `${o.seconds}s`,
    '--timeout',
    '10s',
    '--script',
    join(import.meta.dirname, 'wrk.lua'),
    o.url,
    '--',
    o.requests,
    o.repeat === true ? 'repeat' : 'once',
  ])
  return readWrkOutput(output, endedChildrenSeconds() - cpuBefore)
}

/** @param output of wrk with our script; its last line is JSON */
export function readWrkOutput(output: string, cpuSeconds: number): WrkRun {
  const line = output.trimEnd().split('\n').at(-1) ?? ''
  const counts: Record<string, number | boolean> = JSON.parse(line)
  const number = (name: string) => Number(counts[name] ?? Number.NaN)
  const seconds = number('microseconds') / 1e6
  const problems = ['connectErrors', 'readErrors', 'writeErrors', 'timeouts', 'statusErrors']
    .filter((name) => number(name) !== 0)
    .map((name) => `wrk counted ${number(name)} ${name}`)
  if (counts.usedUp !== false) problems.push('the prepared requests were used up before the time was')
  if (!(number('requests') > 0)) problems.push('no request was answered')
  return {
    requests: number('requests'),
    seconds,
    perSecond: number('requests') / seconds,
    p50Ms: number('p50Microseconds') / 1000,
    p99Ms: number('p99Microseconds') / 1000,
    cores: cpuSeconds / seconds,
    usedUp: counts.usedUp !== false,
    problems,
  }
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString('utf8')
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(output)
      else reject(new Error(`${command} ended with ${code}: ${errors.trim()}`))
    })
  })
}
