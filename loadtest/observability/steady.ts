/** Steady load: what the ratio of the rules says, beside what the KMS itself counted. */

import { setTimeout as sleep } from 'node:timers/promises'
import { readMetrics, servedByKms } from '../../services/test/messaging.ts'
import { SPEED } from './speed.ts'
import type { Stage } from './stage.ts'

export interface SteadyFigures {
  readonly seconds: number
  /** GenerateDataKey and Decrypt, by the KMS's count and by those who made them. */
  readonly served: number
  readonly made: number
  readonly predicted: number
  /** Mean of sealcast:kms_ratio meanwhile. */
  readonly ratio: number
  /** By the KMS's count. */
  readonly servedRatio: number
}

/**
 * Of the ratio from 1, and from that of the KMS's count. Pairs publish twice a second and so renew their keys up to half a second after
 * they ended, of fifteen; and the calls of one or two of 24 renewals fall to this or that side of the ends of the time.
 */
export const RATIO_TOLERANCE = 0.1
/** Calls that are answered by the KMS and not yet counted by whom they were for, when both are read. */
export const CALLS_UNDER_WAY = 4

const PERIODS = 3

export async function measureSteady(stage: Stage): Promise<SteadyFigures> {
  const seconds = (PERIODS * 300) / SPEED
  const before = await countCalls(stage)
  await sleep(seconds * 1000)
  const after = await countCalls(stage)
  const meanOf = async (name: string) => {
    const [mean] = await stage.prometheus.query(`avg_over_time(${name}[${seconds}s])`)
    return mean?.value ?? Number.NaN
  }
  const predicted = (await meanOf('sealcast:kms_predicted:rate')) * seconds
  const served = after.served - before.served
  return {
    seconds,
    served,
    made: after.made - before.made,
    predicted,
    ratio: await meanOf('sealcast:kms_ratio'),
    servedRatio: served / predicted,
  }
}

/** @returns what is wrong with them; nothing when all is well */
export function judgeSteady({ served, made, ratio, servedRatio }: SteadyFigures): string[] {
  const failures: string[] = []
  if (!(served > 0)) failures.push('the KMS was not called under steady load')
  if (Math.abs(served - made) > CALLS_UNDER_WAY) failures.push(`the KMS counts ${served} calls, its callers ${made}`)
  if (!(Math.abs(ratio - 1) <= RATIO_TOLERANCE)) failures.push(`sealcast:kms_ratio was ${ratio} under steady load`)
  if (!(Math.abs(ratio - servedRatio) <= RATIO_TOLERANCE)) {
    failures.push(`sealcast:kms_ratio was ${ratio}, by the KMS's own count ${servedRatio}`)
  }
  return failures
}

async function countCalls({ stack }: Stage): Promise<{ served: number; made: number }> {
  const [served, pages] = await Promise.all([servedByKms(stack), readMetrics(stack)])
  const made = pages
    .flatMap((page) => [...page.matchAll(/^sealcast_kms_requests_total\{[^}]*operation="(\w+)"[^}]*\} (\d+)$/gm)])
    .filter(([, operation]) => operation === 'GenerateDataKey' || operation === 'Decrypt')
    .reduce((sum, [, , count]) => sum + Number(count), 0)
  return { served: (served.GenerateDataKey ?? 0) + (served.Decrypt ?? 0), made }
}
