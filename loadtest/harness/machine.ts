/** What the figures were measured on: without it a figure says nothing. */

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { promisify } from 'node:util'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly kernel: string
  readonly os: string
  /** Before the run. Above the run's own, somebody else used the machine. */
  readonly loadAverage: number
  readonly node: string
  /** Of Node, which every service uses. */
  readonly openssl: string
  readonly redis: string
  readonly wrk: string
  /** Short; with `+` when files differed from it. */
  readonly commit: string
}

export async function describeMachine(root: string): Promise<Machine> {
  const [redis, wrk, commit, changes] = await Promise.all([
    firstLine('redis-server', ['--version']),
    firstLine('wrk', ['--version']),
    firstLine('git', ['-C', root, 'rev-parse', '--short=10', 'HEAD']),
    firstLine('git', ['-C', root, 'status', '--porcelain', '--untracked-files=no']),
  ])
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    os: osName(),
    loadAverage: loadavg()[0] ?? Number.NaN,
    node: process.versions.node,
    openssl: process.versions.openssl,
    redis: /v=(\S+)/.exec(redis)?.[1] ?? 'unknown',
    wrk: /^wrk (\S+)/.exec(wrk)?.[1] ?? 'unknown',
    commit: commit === '' ? 'unknown' : `${commit}${changes === '' ? '' : '+'}`,
  }
}

function osName(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown'
  } catch {
    return 'unknown'
  }
}

/** wrk says its version with a status of 1; what cannot be asked is an empty line. */
async function firstLine(command: string, args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(command, [...args])).stdout.split('\n')[0] ?? ''
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout ?? '').split('\n')[0] ?? ''
  }
}
