/**
 * One run: publishes for so many reuse periods, watches the counters meanwhile, waits until everything has arrived and
 * every request is counted, and hands over what was seen. What it means is judged in report-run.ts.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { monthOf } from '#shared/kms-ledger'
import type { Helper } from '../harness/helper.ts'
import type { LoadRun } from '../load-test.ts'
import type { KmsPublishers, Published } from '../processes/kms-publishers.ts'
import type { CheckedArrivals } from '../processes/kms-subscriber.ts'
import { type KmsBroker, type Pages, startKmsBroker } from './broker.ts'
import { connectPublishers } from './connect-publishers.ts'
import {
  countPages,
  groupRequests,
  type LedgerPair,
  minus,
  type RequestCounts,
  type RequestGroup,
  sameCounts,
  sumLedger,
  totalOf,
} from './counts.ts'
import { clearFaults, setFaults } from './fault-controls.ts'
import { type Issue, issuesOf } from './kms-log.ts'
import { samplesOf, sumOf } from './metrics-page.ts'
import { dueTimes, type Lane, lanesOf, type Pattern, periodsBegun, runMs } from './patterns.ts'
import { type FaultPlan, type KmsValues, refuses } from './settings.ts'

/** What was counted so far at a moment. */
export interface Sample {
  /** Since the first message was due, in ms. */
  readonly atMs: number
  readonly requests: RequestCounts
  /** Publisher-periods that have begun. */
  readonly begun: number
  /** Of the oldest sealing key, by each gateway's own gauge; empty where they have none. */
  readonly oldestAgesSeconds: readonly number[]
}

export interface KmsRun {
  readonly values: KmsValues
  readonly lanes: readonly (Lane & { readonly topicArn: string; readonly principal: string })[]
  /** Since the first message was due. */
  readonly endedMs: number
  /** Of each lane's last answer; later than its window where broker or machine were too slow for the pace. */
  readonly lastAnswersMs: readonly number[]
  readonly interrupted: boolean
  /** All of the run alone. `served`: undefined with AWS KMS. */
  readonly served: RequestCounts | undefined
  readonly made: RequestCounts
  readonly lost: number
  readonly ledger: readonly LedgerPair[]
  /** By the counters of each process. */
  readonly gateways: readonly (readonly RequestGroup[])[]
  readonly workers: readonly (readonly RequestGroup[])[]
  readonly samples: readonly Sample[]
  /** Of the KMS's log, with times since the first message was due; undefined with AWS KMS. */
  readonly issues: readonly Issue[] | undefined
  readonly published: Published
  readonly arrived: CheckedArrivals
  readonly connections: { readonly kept: number; readonly tried: number }
  /** What workers and supervisor met that explains requests beyond the formula. */
  readonly leasesLost: number
  readonly takenOver: number
  readonly restarted: number
  readonly plan: FaultPlan
}

const ARRIVED_WITHIN_MS = 60_000
/** A key that did not work is tried once in 30 s. */
const ARRIVED_AFTER_FAULTS_MS = 180_000
const COUNTED_WITHIN_MS = 15_000
/** Room to get going: the first messages should not be late already. */
const LEAD_MS = 200

export async function runKms(
  values: KmsValues,
  o: LoadRun & { patterns: readonly Pattern[]; plan: FaultPlan },
): Promise<KmsRun> {
  const { progress, patterns, plan } = o
  await using broker = await startKmsBroker(values, { awsEnvironment: o.awsEnvironment, say: progress.say })
  const lanes = lanesOf({ publishers: values.publishers, patterns, reuseSeconds: values.reuseSeconds })
  progress.say('giving every publisher a connection to every gateway')
  const { publishers, connections, tried } = await connectPublishers(broker, values)
  await using _ = publishers
  const before = await broker.pages()
  const adminUrl = broker.stack.env.SEALCAST_KMS_ADMIN_URL
  // The KMS says what is wrong with a plan, before anything is published.
  if (adminUrl !== undefined) await setFaults(adminUrl, plan)

  const startsAtMs = monotonicMs() + LEAD_MS
  const startedEpochMs = Date.now() + LEAD_MS
  const watched = watch(broker, { publishers, lanes, values, before, startsAtMs, signal: o.signal, progress })
  const published = await publishers.call('publish', {
    messageBytes: values.messageBytes,
    startsAtMs,
    dueMs: lanes.map((lane) => dueTimes(lane, values)),
  })
  // The last window is over a little after its last message.
  const endedMs = o.signal.aborted ? monotonicMs() - startsAtMs : runMs(lanes, values)
  const samples = await watched.stop()
  if (adminUrl !== undefined) await clearFaults(adminUrl)

  const count = published.lanes.reduce((sum, lane) => sum + lane.accepted.length, 0)
  progress.say(`${count} messages were accepted; waiting until all have arrived and every request is counted`)
  const timeoutMs = refuses(plan) ? ARRIVED_AFTER_FAULTS_MS : ARRIVED_WITHIN_MS
  const arrived = await broker.subscriber.call('arrivals', { count, timeoutMs })
  const months = [...new Set([monthOf(startedEpochMs), monthOf(Date.now())])]
  const settled = await untilCounted(broker, { before, months })
  const log = await broker.kmsLog()
  return {
    values,
    lanes: lanes.map((lane, at) => ({
      ...lane,
      topicArn: broker.publishers[at]?.topicArn ?? '',
      principal: broker.publishers[at]?.principal ?? '',
    })),
    endedMs,
    lastAnswersMs: published.lanes.map(({ lastAnswerAtMs }) => lastAnswerAtMs - startsAtMs),
    interrupted: o.signal.aborted,
    ...settled,
    gateways: settled.after.gateways.map((page) => groupRequests([page])),
    workers: settled.after.workers.map((page) => groupRequests([page])),
    samples,
    issues:
      log === undefined ? undefined : issuesOf(log).map((issue) => ({ ...issue, atMs: issue.atMs - startedEpochMs })),
    published,
    arrived,
    connections: { kept: connections, tried },
    leasesLost: grown(before.workers, settled.after.workers, 'sealcast_leases_lost_total'),
    takenOver: grown(before.workers, settled.after.workers, 'sealcast_partitions_taken_over_total'),
    restarted: restartedBetween(before, settled.after),
    plan,
  }
}

/** Looks at the counters a few times each period, and shows what they say. */
function watch(
  broker: KmsBroker,
  o: {
    publishers: Helper<KmsPublishers>
    lanes: readonly Lane[]
    values: KmsValues
    before: Pages
    startsAtMs: number
    signal: AbortSignal
    progress: LoadRun['progress']
  },
): { stop(): Promise<Sample[]> } {
  const { lanes, values, progress } = o
  const everyMs = Math.min(1_000, Math.max(250, (values.reuseSeconds * 1000) / 4))
  const wholeMs = runMs(lanes, values)
  const samples: Sample[] = []
  const base = countOf(o.before)
  let isStopped = false
  const onAbort = () => void o.publishers.call('stop', {})
  o.signal.addEventListener('abort', onAbort)
  progress.start(Math.ceil(wholeMs / 1000))
  const watching = (async () => {
    while (!isStopped) {
      await sleep(everyMs)
      const pages = await broker.pages()
      const atMs = monotonicMs() - o.startsAtMs
      const requests = minus(countOf(pages), base)
      const begun = lanes.reduce((sum, lane) => sum + periodsBegun(lane, values, atMs), 0)
      const oldestAgesSeconds = pages.gateways.flatMap((page) =>
        samplesOf(page, 'sealcast_data_key_oldest_age_seconds').map(({ value }) => value),
      )
      samples.push({ atMs, requests, begun, oldestAgesSeconds })
      const { accepted, failed } = await o.publishers.call('progress', {})
      progress.update(atMs / 1000, describeNow(samples, { values, accepted, failed }))
    }
  })()
  // Told by stop(); until then it must not end the process.
  watching.catch(() => {})
  return {
    async stop() {
      isStopped = true
      await watching
      o.signal.removeEventListener('abort', onAbort)
      progress.update(
        Math.ceil(wholeMs / 1000),
        describeNow(samples, { values, ...(await o.publishers.call('progress', {})) }),
      )
      progress.stop()
      return samples
    },
  }
}

function describeNow(
  samples: readonly Sample[],
  { values, accepted, failed }: { values: KmsValues; accepted: number; failed: number },
): string {
  const now = samples.at(-1)
  if (now === undefined) return ''
  const formula = now.begun * (values.gateways + 1)
  const reuseMs = values.reuseSeconds * 1000
  const from = samples.findLast(({ atMs }) => atMs <= now.atMs - reuseMs)
  const since = { atMs: from?.atMs ?? 0, total: from === undefined ? 0 : totalOf(from.requests) }
  const perSecond = ((totalOf(now.requests) - since.total) * 1000) / (now.atMs - since.atMs)
  const ratio = formula === 0 ? '–' : (totalOf(now.requests) / formula).toFixed(3)
  const failures = failed === 0 ? '' : `, ${failed} failed`
  return `${perSecond.toFixed(1)} KMS calls/s, ${totalOf(now.requests)} of ${formula} by the formula: ratio ${ratio}; ${accepted} messages${failures}`
}

/** By the KMS where one tells, else by those who ask it. */
function countOf(pages: Pages): RequestCounts {
  const { served, made } = countPages([...pages.gateways, ...pages.workers], pages.kms)
  return served ?? made
}

/** Waits until the three counts agree, or can be expected not to. */
async function untilCounted(broker: KmsBroker, o: { before: Pages; months: readonly string[] }) {
  const before = countPages([...o.before.gateways, ...o.before.workers], o.before.kms)
  const deadline = performance.now() + COUNTED_WITHIN_MS
  for (;;) {
    const after = await broker.pages()
    const now = countPages([...after.gateways, ...after.workers], after.kms)
    const served = now.served && before.served && minus(now.served, before.served)
    const made = minus(now.made, before.made)
    const ledger = await broker.ledger(o.months)
    const counts = [made, sumLedger(ledger), ...(served === undefined ? [] : [served])]
    if (sameCounts(counts) || performance.now() > deadline) {
      return { after, served, made, ledger, lost: now.lost - before.lost }
    }
    await sleep(250)
  }
}

function grown(before: readonly string[], after: readonly string[], name: string): number {
  const sum = (pages: readonly string[]) => pages.reduce((total, page) => total + sumOf(page, name), 0)
  return sum(after) - sum(before)
}

/** A process that began anew has forgotten what it counted. */
function restartedBetween(before: Pages, after: Pages): number {
  const startsOf = ({ gateways, workers, kms }: Pages) =>
    [...gateways, ...workers, kms ?? ''].map((page) => sumOf(page, 'process_start_time_seconds'))
  const starts = startsOf(before)
  return startsOf(after).filter((start, at) => start !== starts[at]).length
}

/** CLOCK_MONOTONIC in ms, which all processes of the machine share. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
