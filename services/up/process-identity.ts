/**
 * Tells a process from a later one that got the same pid: pid and start time together are unique until
 * the machine restarts, and the boot's id covers that.
 */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  readonly startedAt: string
}

/** @returns undefined when no such process runs; one that ended and was not asked for yet counts as ended */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startedAt = readStart(pid)
  return startedAt === undefined ? undefined : { pid, startedAt }
}

export function isRunning(identity: ProcessIdentity): boolean {
  return readStart(identity.pid) === identity.startedAt
}

function readStart(pid: number): string | undefined {
  try {
    return process.platform === 'linux' ? readStartFromProc(pid) : readStartFromPs(pid)
  } catch {
    return undefined
  }
}

function readStartFromProc(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The name, in parentheses, may hold blanks; state is the first field after it, the start the twentieth.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}:${fields[19]}`
}

function readStartFromPs(pid: number): string | undefined {
  const output = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env: { PATH: '/bin:/usr/bin', LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [state = '', ...start] = output.trim().split(/\s+/)
  return state === '' || state.startsWith('Z') ? undefined : start.join(' ')
}
