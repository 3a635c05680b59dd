/**
 * What processes used of the machine over a span: processor time and memory, from /proc.
 *
 * Only Linux has it. Processor time counts every thread of a process, so a share above one core means
 * several threads; /proc counts it in ticks of 10 ms, which a span of seconds does not notice.
 */

import { readFileSync } from 'node:fs'

export interface Usage {
  readonly name: string
  /** Processor seconds per second. */
  readonly cores: number
  /** Resident at the end of the span. */
  readonly residentBytes: number
}

export interface Meter {
  /** @returns of each process, then `machine` with all that ran on it, ours or not; `steal` time included */
  stop(): Usage[]
}

/** The name of all that ran, which no process may have. */
export const MACHINE = 'machine'

/** Ticks a second of every Linux that Node runs on; the kernel shows user space no other value. */
const TICKS_PER_SECOND = 100

/** @param pids by the name to show; several of a name are summed up */
export function startMeter(pids: readonly (readonly [name: string, pid: number])[]): Meter {
  const startedAt = performance.now()
  const machineBefore = readMachineTicks()
  const before = pids.map(([, pid]) => readTicks(pid))
  return {
    stop() {
      const seconds = (performance.now() - startedAt) / 1000
      const usages = new Map<string, { cores: number; residentBytes: number }>()
      for (const [index, [name, pid]] of pids.entries()) {
        const cores = (readTicks(pid) - (before[index] ?? 0)) / TICKS_PER_SECOND / seconds
        const sum = usages.get(name) ?? { cores: 0, residentBytes: 0 }
        usages.set(name, { cores: sum.cores + cores, residentBytes: sum.residentBytes + readResidentBytes(pid) })
      }
      const machine = (readMachineTicks() - machineBefore) / TICKS_PER_SECOND / seconds
      return [
        ...[...usages].map(([name, usage]) => ({ name, ...usage })),
        { name: MACHINE, cores: machine, residentBytes: 0 },
      ]
    },
  }
}

export interface ProcessState {
  /** Processor time since its start. */
  readonly cpuSeconds: number
  readonly residentBytes: number
}

/** @returns undefined when the process is gone */
export function readProcess(pid: number): ProcessState | undefined {
  try {
    return { cpuSeconds: readTicks(pid) / TICKS_PER_SECOND, residentBytes: readResidentBytes(pid) }
  } catch {
    return undefined
  }
}

/** Processor seconds of all that ran on the machine since its start. */
export function readMachineSeconds(): number {
  return readMachineTicks() / TICKS_PER_SECOND
}

/** Processor seconds of children that have ended and were waited for. */
export function endedChildrenSeconds(): number {
  return parseStat(readFileSync('/proc/self/stat', 'utf8')).childTicks / TICKS_PER_SECOND
}

/** @throws {Error} when the process is gone */
function readResidentBytes(pid: number): number {
  return parseResidentBytes(readFileSync(`/proc/${pid}/status`, 'utf8'))
}

/** @param text of /proc/<pid>/stat. @see proc(5) */
export function parseStat(text: string): { ticks: number; childTicks: number } {
  // The second field is the program's name in brackets and may hold both blanks and brackets.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const at = (number: number) => {
    const value = Number(fields[number - 3])
    if (!Number.isInteger(value)) throw new Error(`Cannot read processor time: field ${number} is no number`)
    return value
  }
  return { ticks: at(14) + at(15), childTicks: at(16) + at(17) }
}

/** @param text of /proc/<pid>/status */
export function parseResidentBytes(text: string): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(text) ?? []
  if (kibibytes === undefined) throw new Error('Cannot read memory: no VmRSS')
  return Number(kibibytes) * 1024
}

/** @param text of /proc/stat. @returns ticks of all processors that were neither idle nor waiting for a disk */
export function parseMachineTicks(text: string): number {
  const [, line] = /^cpu +(.*)$/m.exec(text) ?? []
  // user nice system idle iowait irq softirq steal; guest times are in user already.
  const ticks = (line ?? '').split(' ').map(Number)
  return ticks.slice(0, 8).reduce((sum, value, index) => (index === 3 || index === 4 ? sum : sum + value), 0)
}

function readTicks(pid: number): number {
  return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).ticks
}

function readMachineTicks(): number {
  return parseMachineTicks(readFileSync('/proc/stat', 'utf8'))
}
