/**
 * Turns a retry policy into the delays before each retry.
 *
 * Four phases follow the first attempt: retries without delay, retries at the minimum, a backoff
 * from the minimum to the maximum, retries at the maximum. AWS names the backoff functions and
 * publishes no formulas; those below rise from minDelayTarget to maxDelayTarget, each in the shape
 * its name promises. The phases are those of SNS's delivery policies.
 *
 * Pure: no clock, no randomness; here rather than with the schedule that runs the delays, since the gateway needs their sum
 * to accept a policy. Bounds (100 retries, an hour in all) are checked there, in delivery-policy-parse.ts.
 */

export type BackoffFunction = 'linear' | 'arithmetic' | 'geometric' | 'exponential'

/** Field names as SNS spells them in a DeliveryPolicy. */
export interface RetryPolicy {
  /** Seconds. */
  minDelayTarget: number
  /** Seconds. */
  maxDelayTarget: number
  /** All retries; what the three other counts leave over is the backoff phase. */
  numRetries: number
  numNoDelayRetries: number
  numMinDelayRetries: number
  numMaxDelayRetries: number
  backoffFunction: BackoffFunction
}

/** The four, in order, after the names SNS's documentation gives them. */
export const RETRY_PHASES = ['immediate', 'pre_backoff', 'backoff', 'post_backoff'] as const

export type RetryPhase = (typeof RETRY_PHASES)[number]

/** @returns seconds before each retry, in order; as many as the policy has retries */
export function retryDelays(policy: RetryPolicy): readonly number[] {
  const { minDelayTarget: min, maxDelayTarget: max } = policy
  return [
    ...repeat(0, policy.numNoDelayRetries),
    ...repeat(min, policy.numMinDelayRetries),
    ...backoff(backoffRetries(policy), (step, progress) => SHAPES[policy.backoffFunction](min, max, progress, step)),
    ...repeat(max, policy.numMaxDelayRetries),
  ]
}

/** @returns the phase of each retry, in order; as many as `retryDelays` gives */
export function retryPhases(policy: RetryPolicy): readonly RetryPhase[] {
  return [
    ...repeat<RetryPhase>('immediate', policy.numNoDelayRetries),
    ...repeat<RetryPhase>('pre_backoff', policy.numMinDelayRetries),
    ...repeat<RetryPhase>('backoff', backoffRetries(policy)),
    ...repeat<RetryPhase>('post_backoff', policy.numMaxDelayRetries),
  ]
}

function backoffRetries(policy: RetryPolicy): number {
  const { numRetries, numNoDelayRetries, numMinDelayRetries, numMaxDelayRetries } = policy
  return Math.max(0, numRetries - numNoDelayRetries - numMinDelayRetries - numMaxDelayRetries)
}

/** @param progress 0 at the first step of the phase, 1 at its last */
type Shape = (min: number, max: number, progress: number, step: number) => number

const SHAPES: Readonly<Record<BackoffFunction, Shape>> = {
  linear: (min, max, progress) => min + (max - min) * progress,
  arithmetic: (min, max, progress) => min + (max - min) * progress ** 2,
  geometric: (min, max, progress) => min * (max / min) ** progress,
  exponential: (min, max, _progress, step) => Math.min(max, min * 2 ** step),
}

function repeat<T>(what: T, times: number): T[] {
  return new Array<T>(Math.max(0, times)).fill(what)
}

function backoff(steps: number, delayAt: (step: number, progress: number) => number): number[] {
  // A phase of a single step has no way to go: it stays at the minimum.
  return Array.from({ length: steps }, (_, step) => delayAt(step, steps === 1 ? 0 : step / (steps - 1)))
}
