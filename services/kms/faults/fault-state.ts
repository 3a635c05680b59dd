/**
 * Decides what a request meets under the plan in force, and counts it. No effects: who asks waits, answers or cuts off.
 *
 * Throttling comes first, since KMS throttles at the door: what is throttled uses up no fault. Then the faults in their
 * order: a delay is added to those before it, the first of another kind ends the matter.
 */

import type { Clock } from '#shared/clock'
import { createLruMap, type LruMap } from '#shared/lru-map'
import { addPlans, type Delay, type FaultPlan, type FaultRule, type ThrottleRule } from './fault-plan.ts'
import type { InjectableError } from './injectable-errors.ts'
import { quotaOf } from './quotas.ts'
import { createTokenBucket, type TokenBucket } from './token-bucket.ts'

export interface FaultRequest {
  readonly operation: string
  /** Of the caller: other accounts' calls count for them. */
  readonly account: string
  readonly caller: string
  /** Asked for only where a rule needs it. */
  keyArn(): string | undefined
}

export type Fault =
  | { readonly kind: 'throttled' }
  | { readonly kind: 'error'; readonly name: InjectableError; readonly message: string | null | undefined }
  | { readonly kind: 'reset' | 'hang' }

export interface FaultState {
  decide(request: FaultRequest): { delayMs: number; fault: Fault | undefined }
  replace(plan: FaultPlan): void
  /** @throws {DocumentError} when it becomes too much */
  add(plan: FaultPlan): void
  /** The plan in force with how often each rule was met: `met` of faults, `throttled` of throttling. */
  describe(): { throttling: object[]; faults: object[] }
}

interface Throttling {
  readonly rule: ThrottleRule
  /** By account and quota. */
  readonly buckets: LruMap<TokenBucket>
  throttled: number
}

interface ActiveFault {
  readonly rule: FaultRule
  readonly endsAt: number
  met: number
}

/** Accounts are whatever principals the broker speaks for; a bucket that had to make room starts full again. */
const MAX_BUCKETS = 10_000
/** Of the standard normal distribution: P(z < 2.326) = 0.99. */
const Z_99 = 2.326

/** @param o.random as Math.random */
export function createFaultState(o: { clock: Clock; random?: () => number }): FaultState {
  const { clock, random = Math.random } = o
  let throttling: Throttling[] = []
  let faults: ActiveFault[] = []

  const isActive = ({ rule, endsAt, met }: ActiveFault) => clock.now() < endsAt && met < (rule.requests ?? Infinity)
  const append = (plan: FaultPlan) => {
    const now = clock.now()
    throttling = [...throttling, ...plan.throttling.map(throttlingOf)]
    faults = [...faults, ...plan.faults.map((rule) => ({ rule, endsAt: now + (rule.forMs ?? Infinity), met: 0 }))]
  }

  return {
    decide(request) {
      if (isThrottled(request)) return { delayMs: 0, fault: { kind: 'throttled' } }
      let delayMs = 0
      faults = faults.filter(isActive)
      for (const active of faults) {
        const { rule } = active
        if (!fits(rule, request) || (rule.probability !== undefined && random() >= rule.probability)) continue
        active.met++
        if (rule.kind === 'latency') delayMs += sample(rule.ms, random)
        else return { delayMs, fault: faultOf(rule) }
      }
      return { delayMs, fault: undefined }
    },
    replace(plan) {
      throttling = []
      faults = []
      append(plan)
    },
    add(plan) {
      faults = faults.filter(isActive)
      // For its bound alone: rules that were met already keep their counts.
      addPlans({ throttling: throttling.map(({ rule }) => rule), faults: faults.map(({ rule }) => rule) }, plan)
      append(plan)
    },
    describe: () => ({
      throttling: throttling.map(({ rule, throttled }) => ({ ...rule, throttled })),
      faults: faults.filter(isActive).map(({ rule, met }) => ({ ...rule, met })),
    }),
  }

  function isThrottled({ operation, account }: FaultRequest): boolean {
    const quota = quotaOf(operation)
    const first = throttling.find(
      ({ rule }) => (rule.account ?? account) === account && (rule.quota ?? quota) === quota,
    )
    if (first === undefined) return false
    const isTaken = bucketOf(first, `${account} ${quota}`).take(clock.now())
    if (!isTaken) first.throttled++
    return !isTaken
  }

  function bucketOf({ rule, buckets }: Throttling, name: string): TokenBucket {
    const { ratePerSecond, burst = ratePerSecond } = rule
    const bucket = buckets.get(name) ?? createTokenBucket({ ratePerSecond, burst, now: clock.now() })
    buckets.set(name, bucket)
    return bucket
  }
}

function throttlingOf(rule: ThrottleRule): Throttling {
  return { rule, buckets: createLruMap(MAX_BUCKETS), throttled: 0 }
}

function fits({ operations, caller, keyArn }: FaultRule, request: FaultRequest): boolean {
  return (
    (operations?.includes(request.operation) ?? true) &&
    (caller ?? request.caller) === request.caller &&
    (keyArn === undefined || keyArn === request.keyArn())
  )
}

function faultOf(rule: Exclude<FaultRule, { kind: 'latency' }>): Fault {
  return rule.kind === 'error' ? { kind: 'error', name: rule.name, message: rule.message } : { kind: rule.kind }
}

function sample(delay: Delay, random: () => number): number {
  if (typeof delay === 'number') return delay
  if ('minMs' in delay) return delay.minMs + random() * (delay.maxMs - delay.minMs)
  const { medianMs, p99Ms } = delay
  const spread = Math.log(p99Ms / medianMs) / Z_99
  // Box and Muller's way to a normal distribution; no further than three times the 99th percentile.
  const z = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Math.min(medianMs * Math.exp(spread * z), 3 * p99Ms)
}
