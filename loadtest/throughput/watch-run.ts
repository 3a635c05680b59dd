/** Looks at everything in regular steps while a load is on: generators, subscribers, processes, Redis. */

import type { RedisState } from '../harness/bench-stack.ts'
import type { Helper } from '../harness/helper.ts'
import { createLatencyHistogram, type Histogram } from '../harness/histogram.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import { type ProcessState, readMachineSeconds, readProcess } from '../harness/process-usage.ts'
import type { LoadGenerator } from '../processes/load-generator.ts'
import type { LoadSubscriber } from '../processes/load-subscriber.ts'

export interface Sample {
  /** From the schedule's zero to when the look was taken, in seconds, and how long ago the one before was. */
  readonly at: number
  readonly span: number
  /** Messages since the look before. */
  readonly due: number
  readonly accepted: number
  readonly failed: number
  readonly deliveries: number
  /** Requests at this moment that wait for a connection, and that wait for their answer. */
  readonly waiting: number
  readonly underWay: number
  /** Of what was answered, sent and delivered since the look before. */
  readonly publish: Percentiles
  readonly late: Percentiles
  readonly endToEnd: Percentiles
  /** Undefined when it did not answer. */
  readonly redis: RedisState | undefined
  readonly processes: readonly ProcessSample[]
  /** Cores used on the machine, by whomever. */
  readonly machineCores: number
}

export interface Percentiles {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export interface ProcessSample {
  readonly name: string
  readonly pid: number
  /** NaN at the first look at a process. */
  readonly cores: number
  readonly residentBytes: number
}

export interface Watch {
  /** Takes a look now. */
  look(): Promise<Sample>
}

export function watchRun(o: {
  startAtMs: number
  generators: readonly Helper<LoadGenerator>[]
  subscribers: readonly Helper<LoadSubscriber>[]
  /** Asked each time: processes are replaced. */
  pids: () => readonly (readonly [name: string, pid: number])[]
  redis: () => Promise<RedisState>
}): Watch {
  let lastAtMs = monotonicMs()
  let lastMachine = readMachineSeconds()
  const last = new Map<number, { atMs: number; state: ProcessState }>()

  const readProcesses = (): ProcessSample[] =>
    o.pids().flatMap(([name, pid]) => {
      const state = readProcess(pid)
      if (state === undefined) return []
      const now = monotonicMs()
      const before = last.get(pid)
      last.set(pid, { atMs: now, state })
      const cores =
        before === undefined
          ? Number.NaN
          : ((state.cpuSeconds - before.state.cpuSeconds) * 1000) / Math.max(now - before.atMs, 1)
      return [{ name, pid, cores, residentBytes: state.residentBytes }]
    })

  readProcesses()
  return {
    async look() {
      const [generated, received, redis] = await Promise.all([
        Promise.all(o.generators.map((generator) => generator.call('sample', {}))),
        Promise.all(o.subscribers.map((subscriber) => subscriber.call('sample', {}))),
        o.redis().catch(() => undefined),
      ])
      const now = monotonicMs()
      const span = (now - lastAtMs) / 1000
      const machine = readMachineSeconds()
      const machineCores = (machine - lastMachine) / span
      lastAtMs = now
      lastMachine = machine
      const sum = <T>(items: readonly T[], read: (item: T) => number) =>
        items.reduce((total, item) => total + read(item), 0)
      return {
        at: (now - o.startAtMs) / 1000,
        span,
        due: sum(generated, ({ due }) => due),
        accepted: sum(generated, ({ accepted }) => accepted),
        failed: sum(generated, ({ failed }) => failed),
        waiting: sum(generated, ({ waiting }) => waiting),
        underWay: sum(generated, ({ underWay }) => underWay),
        deliveries: sum(received, ({ deliveries }) => deliveries),
        publish: percentilesOf(generated.map(({ latency }) => latency)),
        late: percentilesOf(generated.map(({ late }) => late)),
        endToEnd: percentilesOf(received.map(({ latency }) => latency)),
        redis,
        processes: readProcesses(),
        machineCores,
      }
    },
  }
}

/** Of all processes together. */
export function mergeHistograms(counts: readonly Parameters<Histogram['add']>[0][]): Histogram {
  const histogram = createLatencyHistogram()
  for (const each of counts) histogram.add(each)
  return histogram
}

function percentilesOf(counts: readonly Parameters<Histogram['add']>[0][]): Percentiles {
  const histogram = mergeHistograms(counts)
  return { p50Ms: histogram.percentileMs(0.5), p99Ms: histogram.percentileMs(0.99), maxMs: histogram.maxMs() }
}
