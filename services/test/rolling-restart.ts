/** Replaces gateways and workers of a running stack under a steady load, and measures what clients notice. */

import { setTimeout as sleep } from 'node:timers/promises'
import { createKey, createTopic, kmsClient, snsClient, subscribeAndConfirm, untilFinished } from './messaging.ts'
import type { Stack } from './start-stack.ts'
import { type LoadResult, startSteadyLoad, watchArrivals } from './steady-load.ts'
import { until } from './until.ts'

export interface RollingResult extends LoadResult {
  readonly delivered: number
  readonly duplicates: number
  readonly lost: readonly string[]
  /** Longest time between two deliveries of one topic, and the same before the first restart. */
  readonly gapMs: number
  readonly usualGapMs: number
}

/** Before the first restart and after the last one. */
const STEADY_MS = 2_000

/**
 * @param processes how many `up` is to replace each time
 * @param times how often
 */
export async function runRollingRestart(
  stack: Stack,
  { perSecond, topics, processes, times }: { perSecond: number; topics: number; processes: number; times: number },
): Promise<RollingResult> {
  const sns = snsClient(stack)
  const kms = kmsClient(stack)
  try {
    const KmsMasterKeyId = await createKey(kms)
    // Of several topics, so that several partitions are at work on each worker.
    const topicArns = await Promise.all(Array.from({ length: topics }, () => createTopic(sns, { KmsMasterKeyId })))
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArns })
    const arrivals = watchArrivals(subscriber)
    const load = startSteadyLoad({ sns, topicArns, perSecond })
    await sleep(STEADY_MS)
    const usualGapMs = arrivals.longestGapMs()
    const replaced = () => (stack.output().match(/^\S+ +replaced/gm) ?? []).length
    for (let time = 1; time <= times; time++) {
      process.kill(stack.supervisorPid, 'SIGUSR2')
      await until(`${processes} processes were replaced`, () => replaced() === time * processes)
    }
    await sleep(STEADY_MS)
    const result = await load.stop()
    const gapMs = arrivals.longestGapMs()
    await untilFinished(stack, 30_000)
    const lost = result.acknowledged.filter((id) => !arrivals.messageIds.has(id))
    return { ...result, delivered: arrivals.messageIds.size, duplicates: arrivals.duplicates, lost, gapMs, usualGapMs }
  } finally {
    sns.destroy()
    kms.destroy()
  }
}

/** What the restarts may add to gaps. What was published late arrives late: that is not the workers' doing. */
export function isPauseShort({ gapMs, usualGapMs, longestPublishMs }: RollingResult): boolean {
  return gapMs < 2_000 + usualGapMs + longestPublishMs
}

export function describeRolling(result: RollingResult): string {
  const { acknowledged, delivered, duplicates, lost, errors, retried } = result
  return (
    `acknowledged ${acknowledged.length}, delivered ${delivered}, duplicates ${duplicates}, lost ${lost.length}, ` +
    `errors ${errors.length}, retried ${retried}, longest gap of a topic ${result.gapMs.toFixed(0)} ms ` +
    `(${result.usualGapMs.toFixed(0)} ms before), longest publish ${result.longestPublishMs.toFixed(0)} ms`
  )
}
