/** One side of a row whose client is wrk: prepares distinct requests, runs, checks that each was answered and stored. */

import { join } from 'node:path'
import type { BenchStack } from './bench-stack.ts'
import { type PreparedRequest, writeRequests } from './prepare-requests.ts'
import { startMeter } from './process-usage.ts'
import type { Side } from './rounds.ts'
import { CONNECTIONS, runWrk, WRK_THREADS } from './run-wrk.ts'

/** Of one core; past this the client would be what is measured. */
const CLIENT_LIMIT_CORES = 0.9
/** Requests a second that the warm-up is prepared for; far above what one process answers. */
const WARM_UP_PER_SECOND = 20_000
/** Prepared over what the fastest round before would have used. */
const MARGIN = 1.5
/** A round whose requests did not last is done again with twice as many. */
const MAX_REPEATS = 3
/** Of a round in which the server's speed is found out; later ones know it. */
const WARM_UP_SECONDS = 2

export interface WrkSideOptions {
  name: string
  folder: string
  url: string
  seconds: number
  make: (index: number) => PreparedRequest
  /** Messages in a request. */
  messages?: number
}

/** @param o.server is asked nothing about what it got, so it is sent what is there again from the beginning */
export function bareSide(o: WrkSideOptions & { pids: () => (readonly [string, number])[] }): Side {
  return {
    name: o.name,
    async run(round) {
      const seconds = round === 0 ? WARM_UP_SECONDS : o.seconds
      const requests = join(o.folder, 'bare')
      if (round === 0)
        writeRequests({ prefix: requests, threads: WRK_THREADS, count: WARM_UP_PER_SECOND, make: o.make })
      const meter = startMeter(o.pids())
      const run = await runWrk({ url: o.url, requests, seconds, repeat: true })
      return toRound(run, meter.stop(), [], [])
    },
  }
}

/**
 * Every request is one that the broker has not seen.
 *
 * @param o.workers `stopped`: they stand still while it is timed and settle afterwards, so that what is measured is
 *   publishing; `running` unless told
 */
export function brokerSide(o: WrkSideOptions & { broker: BenchStack; workers?: 'stopped' | 'running' }): Side {
  const { broker, messages = 1 } = o
  const prefix = join(o.folder, o.name.replaceAll(/\W+/g, '-'))
  let expectedPerSecond = WARM_UP_PER_SECOND / messages
  let made = 0

  const attempt = async (seconds: number) => {
    const count = Math.ceil(expectedPerSecond * seconds) + CONNECTIONS
    const first = made
    made += count
    writeRequests({ prefix, threads: WRK_THREADS, count, make: (index) => o.make(first + index) })
    await broker.settled()
    const before = await broker.counters()
    if (o.workers === 'stopped') broker.pauseWorkers()
    const meter = startMeter(broker.pids())
    const run = await runWrk({ url: o.url, requests: prefix, seconds })
    const usages = meter.stop()
    const backlog = await broker.backlog()
    if (o.workers === 'stopped') broker.resumeWorkers()
    const after = await broker.counters()
    await broker.settled()
    return {
      run,
      usages,
      backlog,
      published: after.published - before.published,
      appended: after.appended - before.appended,
    }
  }

  return {
    name: o.name,
    async run(round) {
      const seconds = round === 0 ? WARM_UP_SECONDS : o.seconds
      let tried = await attempt(seconds)
      for (let again = 0; again < MAX_REPEATS && tried.run.usedUp; again++) {
        expectedPerSecond *= 2
        tried = await attempt(seconds)
      }
      const { run, usages, backlog, published, appended } = tried
      expectedPerSecond = Math.max(round === 0 ? 0 : expectedPerSecond, run.perSecond * MARGIN)
      // What was under way when the time was up is stored but was not waited for.
      const problems: string[] = []
      if (published < run.requests * messages || published > (run.requests + CONNECTIONS) * messages) {
        problems.push(`${run.requests} requests were answered, but ${published} messages published`)
      }
      if (!Number.isNaN(appended) && appended !== published) {
        problems.push(`${published} messages were published, but ${appended} entries appended`)
      }
      const { perSecond, ...rest } = toRound(run, usages, problems, [`${backlog} entries unsettled at the end`])
      return { perSecond: perSecond * messages, ...rest }
    },
  }
}

function toRound(
  run: Awaited<ReturnType<typeof runWrk>>,
  usages: ReturnType<ReturnType<typeof startMeter>['stop']>,
  problems: readonly string[],
  remarks: readonly string[],
) {
  const client = run.cores > CLIENT_LIMIT_CORES ? [`wrk used ${run.cores.toFixed(2)} cores: it may be the limit`] : []
  const machine = usages.at(-1)
  return {
    perSecond: run.perSecond,
    usages: [
      ...usages.slice(0, -1),
      { name: 'client', cores: run.cores, residentBytes: 0 },
      ...(machine === undefined ? [] : [machine]),
    ],
    remarks: [`p50 ${run.p50Ms.toFixed(1)} ms, p99 ${run.p99Ms.toFixed(1)} ms`, ...remarks],
    problems: [...run.problems, ...client, ...problems],
  }
}
