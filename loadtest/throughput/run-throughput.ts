/**
 * One run, from nothing to its report: a stack, topics, publishers and subscribers; the load by the clock; what is
 * under way at its end; the count of everything.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { type BenchStack, readCa, startBenchStack } from '../harness/bench-stack.ts'
import { type BitSet, createBitSet } from '../harness/bit-set.ts'
import { type Helper, startHelper } from '../harness/helper.ts'
import { monotonicMs } from '../harness/monotonic.ts'
import type { LoadRun, Progress } from '../load-test.ts'
import type { GeneratorResult, LoadGenerator } from '../processes/load-generator.ts'
import { formatNumber } from '../report/format-value.ts'
import type { LoadResult } from '../report/load-report.ts'
import { account, type Received } from './account.ts'
import { composeResult } from './compose-result.ts'
import type { Lane } from './publish-request.ts'
import { createLanes, createTopics, type Subscribers, startSubscribers } from './set-up.ts'
import type { ThroughputRun } from './throughput-settings.ts'
import { type Sample, type Watch, watchRun } from './watch-run.ts'

/** So that all processes have heard of it when the schedule begins. */
const START_IN_MS = 300
const POLL_MS = 50
/** Points of a chart: more could not be seen. */
const MOST_SAMPLES = 600

export async function runThroughput(o: ThroughputRun, run: LoadRun): Promise<LoadResult> {
  const { progress, signal } = run
  const begin = (what: string) => {
    if (signal.aborted) throw new Error('Ended before the load began')
    progress.say(what)
  }
  begin(`starting ${o.gateways} × gateway, ${o.workers} × worker, KMS and Redis`)
  await using broker = await startBenchStack({
    env: { SEALCAST_GATEWAYS: String(o.gateways), SEALCAST_WORKERS: String(o.workers) },
    ownGroup: true,
  })
  begin(`${o.topics} topics, ${o.publishers} publishers, ${o.delivery?.subscriptions ?? 0} subscriptions of each topic`)
  const topicArns = await createTopics(broker, o)
  const lanes = await createLanes(broker, topicArns, o.publishers)
  await using subscribers =
    o.delivery === undefined ? noSubscribers() : await startSubscribers(broker, topicArns, o.delivery)
  begin('opening connections and signing ahead')
  await using generators = await startGenerators(broker, lanes, o)

  const before = await broker.counters()
  const startAtMs = monotonicMs() + START_IN_MS
  const watch = watchRun({
    startAtMs,
    generators: generators.helpers,
    subscribers: subscribers.helpers,
    pids: () => [...numbered(broker.pids()), ...pidsOf('generator', generators), ...pidsOf('subscriber', subscribers)],
    redis: () => broker.redis(),
  })
  const loaded = await load(o, { watch, startAtMs, broker, generators, subscribers, progress, signal })
  progress.say('counting')
  const after = await broker.counters()

  const received = await Promise.all(subscribers.helpers.map((helper) => helper.call('result', {})))
  const accepted = unite(loaded.results.map(({ acceptedNumbers }) => acceptedNumbers))
  const numbersOf = new Map(received.flatMap(({ subscriptions }) => subscriptions.map((each) => [each.path, each])))
  const counted = account({
    offered: sum(loaded.results, ({ due }) => due),
    accepted,
    unknown: unite(loaded.results.map(({ unknownNumbers }) => unknownNumbers)),
    end: Math.ceil(o.rate * (o.warmUp + o.seconds) * 2) + 10_000,
    topicOf: (number) => Math.floor(number / o.batch) % topicArns.length,
    published: loaded.restarts.length > 0 ? undefined : after.published - before.published,
    appended: after.appended - before.appended,
    subscriptions: subscribers.subscriptions.map(({ path, topic }): Received => {
      const came = numbersOf.get(path)
      return { topic, numbers: createBitSet(came?.numbers), deliveries: came?.deliveries ?? 0 }
    }),
    strange: sum(received, ({ strange }) => strange),
  })
  return composeResult(o, {
    ...loaded,
    startAtMs,
    account: counted,
    received,
    interrupted: signal.aborted,
    kmsCalls: after.kmsCalls - before.kmsCalls,
  })
}

interface Generators extends AsyncDisposable {
  readonly helpers: readonly Helper<LoadGenerator>[]
}

export interface Loaded {
  readonly samples: readonly Sample[]
  readonly results: readonly GeneratorResult[]
  /** When all gateways and workers began to be replaced, in seconds from the schedule's zero. */
  readonly restarts: readonly number[]
  /** Seconds from the schedule's zero to when nothing more was offered. */
  readonly offeredUntil: number
}

async function load(
  o: ThroughputRun,
  at: {
    watch: Watch
    startAtMs: number
    broker: BenchStack
    generators: Generators
    subscribers: Subscribers
    progress: Progress
    signal: AbortSignal
  },
): Promise<Loaded> {
  const { generators, subscribers, progress, signal, startAtMs } = at
  const seconds = o.warmUp + o.seconds
  const measuredFromMs = o.warmUp * 1000
  await Promise.all(subscribers.helpers.map((helper) => helper.call('start', { startAtMs, measuredFromMs })))
  await Promise.all(generators.helpers.map((helper) => helper.call('start', { startAtMs })))

  let offeredUntil = seconds
  const stop = () => {
    offeredUntil = Math.min(seconds, Math.max(0, (monotonicMs() - startAtMs) / 1000))
    for (const helper of generators.helpers) void helper.call('stop', {})
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  let isFinished = false
  const finished = Promise.all(generators.helpers.map((helper) => helper.call('finished', { drainMs: o.drain * 1000 })))
  const observed = finished.finally(() => {
    isFinished = true
  })
  // When something else fails first, that is what is to be told.
  observed.catch(() => {})

  const samples: Sample[] = []
  const stepMs = Math.max(1000, (seconds * 1000) / MOST_SAMPLES)
  const restarts: number[] = []
  const look = async () => {
    const sample = await at.watch.look()
    samples.push(sample)
    progress.update(sample.at, describeSample(sample, o.warmUp, offeredUntil))
    const every = o.soak?.restartEvery ?? 0
    if (every > 0 && !isFinished && sample.at > (restarts.length + 1) * every && sample.at < seconds) {
      restarts.push(sample.at)
      progress.say(`replacing all gateways and workers (${restarts.length})`)
      process.kill(at.broker.stack.supervisorPid, 'SIGUSR2')
    }
    return sample
  }
  progress.start(seconds)
  for (let next = startAtMs + stepMs; !isFinished; next += stepMs) {
    await Promise.race([sleep(Math.max(0, next - monotonicMs())), observed])
    await look()
  }
  const results = await observed
  signal.removeEventListener('abort', stop)

  // Deliveries go on after the last answer.
  const owed = owedOf(o, results, subscribers)
  const deadline = monotonicMs() + o.drain * 1000
  const haveCome = async () =>
    sum(await Promise.all(subscribers.helpers.map((helper) => helper.call('distinct', {}))), (distinct) => distinct)
  for (let next = monotonicMs() + stepMs; (await haveCome()) < owed && monotonicMs() < deadline; ) {
    await sleep(POLL_MS)
    if (monotonicMs() < next) continue
    next += stepMs
    await look()
  }
  await look()
  progress.stop()
  return { samples, results, restarts, offeredUntil }
}

function describeSample(sample: Sample, warmUp: number, offeredUntil: number): string {
  const { at, span, due, accepted, failed, deliveries, publish, endToEnd, redis } = sample
  const rate = (count: number) => `${formatNumber(Math.round(count / span))}/s`
  const parts = [
    at < warmUp ? 'warming up' : '',
    due === 0 && at > offeredUntil ? 'waiting for what is under way' : `offered ${rate(due)}`,
    accepted > 0 || due > 0 ? `accepted ${rate(accepted)}` : '',
    Number.isNaN(publish.p99Ms) ? '' : `p99 ${formatNumber(publish.p99Ms)} ms`,
    failed > 0 ? `failed ${rate(failed)}` : '',
    deliveries > 0 ? `delivered ${rate(deliveries)}, p99 ${formatNumber(endToEnd.p99Ms)} ms` : '',
    redis !== undefined && redis.backlog > 0 ? `backlog ${formatNumber(redis.backlog)}` : '',
  ]
  return parts.filter((part) => part !== '').join('  ')
}

async function startGenerators(broker: BenchStack, lanes: readonly Lane[], o: ThroughputRun): Promise<Generators> {
  await using undo = new AsyncDisposableStack()
  const helpers: Helper<LoadGenerator>[] = []
  const url = new URL(broker.url)
  for (let generator = 0; generator < o.generators; generator++) {
    const helper = undo.use(await startHelper<LoadGenerator>('load-generator'))
    helpers.push(helper)
  }
  await Promise.all(
    helpers.map((helper, generator) =>
      helper.call('open', {
        schedule: {
          arrivals: o.arrivals,
          perSecond: o.rate / o.batch,
          seconds: o.warmUp + o.seconds,
          generator,
          generators: o.generators,
          seed: o.seed,
        },
        lanes,
        batch: o.batch,
        messageBytes: o.messageBytes,
        connection: {
          host: url.hostname,
          port: Number(url.port),
          ca: readCa(broker.stack),
          timeoutMs: o.timeout * 1000,
          connections: Math.ceil(o.connections / o.generators),
        },
        measuredFromMs: o.warmUp * 1000,
      }),
    ),
  )
  const owned = undo.move()
  return { helpers, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

function noSubscribers(): Subscribers {
  return { helpers: [], subscriptions: [], [Symbol.asyncDispose]: () => Promise.resolve() }
}

/** Deliveries of everything that was accepted. */
function owedOf(o: ThroughputRun, results: readonly GeneratorResult[], { subscriptions }: Subscribers): number {
  return subscriptions.length === 0 ? 0 : sum(results, ({ accepted }) => accepted) * (subscriptions.length / o.topics)
}

/** `gateway 1`, `gateway 2`, … where there are several. */
function numbered(pids: readonly (readonly [name: string, pid: number])[]): (readonly [string, number])[] {
  const seen = new Map<string, number>()
  return pids.map(([name, pid]) => {
    const number = (seen.get(name) ?? 0) + 1
    seen.set(name, number)
    const several = pids.filter(([other]) => other === name).length > 1
    return [several ? `${name} ${number}` : name, pid] as const
  })
}

function pidsOf(name: string, { helpers }: { helpers: readonly { pid: number }[] }): (readonly [string, number])[] {
  return helpers.map(({ pid }, index) => [helpers.length > 1 ? `${name} ${index + 1}` : name, pid] as const)
}

function unite(texts: readonly string[]): BitSet {
  const [first, ...others] = texts.map((text) => Buffer.from(text, 'base64'))
  const longest = Math.max(first?.byteLength ?? 0, ...others.map(({ byteLength }) => byteLength))
  const all = Buffer.alloc(longest)
  for (const bytes of [first, ...others])
    for (const [at, byte] of (bytes ?? []).entries()) all[at] = (all[at] ?? 0) | byte
  return createBitSet(all.toString('base64'))
}

function sum<T>(items: readonly T[], read: (item: T) => number): number {
  return items.reduce((total, item) => total + read(item), 0)
}
