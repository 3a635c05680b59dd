/** Reads the profiles that processes of the broker left (`node --cpu-prof`): where their time went. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly children?: readonly number[]
}

export interface FunctionTime {
  readonly name: string
  readonly ms: number
  /** Of all that is not idle. */
  readonly share: number
}

/** Functions by the time spent in themselves, longest first; without what waits for work. */
export function selfTimes(profile: CpuProfile): FunctionTime[] {
  const { times, totalMs } = readTimes(profile)
  const byName = new Map<string, number>()
  for (const { id, callFrame } of profile.nodes) {
    const name = nameOf(callFrame)
    byName.set(name, (byName.get(name) ?? 0) + (times.get(id) ?? 0))
  }
  return sorted(byName, totalMs)
}

/** Functions of ours by the time spent in them and in all they call, longest first. */
export function totalTimes(profile: CpuProfile): FunctionTime[] {
  const { times, totalMs } = readTimes(profile)
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const byName = new Map<string, number>()
  /** @returns time below and in the node */
  const visit = (node: ProfileNode, above: ReadonlySet<string>): number => {
    const name = nameOf(node.callFrame)
    const below = new Set(above).add(name)
    let ms = times.get(node.id) ?? 0
    for (const id of node.children ?? []) {
      const child = nodes.get(id)
      if (child !== undefined) ms += visit(child, below)
    }
    // A function that calls itself counts once.
    if (isOurs(node.callFrame.url) && !above.has(name)) byName.set(name, (byName.get(name) ?? 0) + ms)
    return ms
  }
  const [root] = profile.nodes
  if (root !== undefined) visit(root, new Set())
  return sorted(byName, totalMs)
}

/** @param kinds of the processes by their folder under services/ @returns text for the terminal */
export function describeProfiles(folder: string, kinds: readonly string[], count: number): string {
  const lines: string[] = []
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
    const profile: CpuProfile = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    const kind = kinds.find((name) =>
      profile.nodes.some(({ callFrame }) => callFrame.url.includes(`/services/${name}/`)),
    )
    if (kind === undefined) continue
    const { totalMs } = readTimes(profile)
    lines.push('', `${kind}: ${join(folder, file)}, ${Math.round(totalMs)} ms busy, its start included`)
    lines.push('  in the function itself:', ...describeTimes(selfTimes(profile).slice(0, count)))
    lines.push('  in functions of ours and all they call:', ...describeTimes(totalTimes(profile).slice(0, count)))
  }
  return lines.join('\n')
}

function describeTimes(times: readonly FunctionTime[]): string[] {
  return times.map(
    ({ name, ms, share }) =>
      `  ${(share * 100).toFixed(1).padStart(5)} %  ${Math.round(ms).toString().padStart(6)} ms  ${name}`,
  )
}

/** Milliseconds of each node itself, those that wait for work left out. */
function readTimes({ nodes, samples, timeDeltas }: CpuProfile): { times: Map<number, number>; totalMs: number } {
  const waiting = new Set(
    nodes.filter(({ callFrame }) => ['(idle)', '(root)'].includes(callFrame.functionName)).map(({ id }) => id),
  )
  const times = new Map<number, number>()
  let totalMs = 0
  for (const [index, id] of samples.entries()) {
    if (waiting.has(id)) continue
    const ms = (timeDeltas[index] ?? 0) / 1000
    times.set(id, (times.get(id) ?? 0) + ms)
    totalMs += ms
  }
  return { times, totalMs }
}

function sorted(byName: ReadonlyMap<string, number>, totalMs: number): FunctionTime[] {
  return [...byName]
    .filter(([, ms]) => ms > 0)
    .map(([name, ms]) => ({ name, ms, share: ms / totalMs }))
    .sort((a, b) => b.ms - a.ms)
}

function isOurs(url: string): boolean {
  return /\/(services|shared)\//.test(url) && !url.includes('/node_modules/')
}

function nameOf({ functionName, url, lineNumber }: ProfileNode['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  const file = url.replace(/^file:\/\//, '').replace(/^.*\/(?=(services|shared|node_modules)\/)/, '')
  return `${name}  ${file}:${lineNumber + 1}`
}
