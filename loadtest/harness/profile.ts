/** Reads the profiles that processes of the broker left (`node --cpu-prof`): where their time went. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
}

export interface SelfTime {
  readonly name: string
  readonly ms: number
  /** Of all that is not idle. */
  readonly share: number
}

/** Functions by the time spent in themselves, longest first; without what waits for work. */
export function selfTimes(profile: CpuProfile): SelfTime[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map<string, number>()
  let total = 0
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) ?? '(unknown)'
    if (name === '(idle)' || name === '(root)') continue
    const ms = (profile.timeDeltas[index] ?? 0) / 1000
    times.set(name, (times.get(name) ?? 0) + ms)
    total += ms
  }
  return [...times].map(([name, ms]) => ({ name, ms, share: ms / total })).sort((a, b) => b.ms - a.ms)
}

/** @param kinds of the processes by their script's folder under services/ @returns text for the terminal */
export function describeProfiles(folder: string, kinds: readonly string[], count: number): string {
  const lines: string[] = []
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
    const profile: CpuProfile = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    const kind = kinds.find((name) =>
      profile.nodes.some(({ callFrame }) => callFrame.url.endsWith(`/services/${name}/main.ts`)),
    )
    if (kind === undefined) continue
    const times = selfTimes(profile)
    const busyMs = times.reduce((sum, { ms }) => sum + ms, 0)
    lines.push('', `${kind}: ${join(folder, file)}, ${Math.round(busyMs)} ms busy`)
    for (const { name, ms, share } of times.slice(0, count)) {
      lines.push(`  ${(share * 100).toFixed(1).padStart(5)} %  ${Math.round(ms).toString().padStart(6)} ms  ${name}`)
    }
  }
  return lines.join('\n')
}

function nameOf({ functionName, url, lineNumber }: ProfileNode['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  const file = url.replace(/^file:\/\//, '').replace(/^.*\/(?=(services|shared|node_modules)\/)/, '')
  return `${name}  ${file}:${lineNumber + 1}`
}
