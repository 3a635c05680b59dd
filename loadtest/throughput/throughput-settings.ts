/** What publish, deliver, fanout and soak have in common, and what only those with subscribers have. */

import { setting, type ValuesOf } from '../settings/setting.ts'
import { LEAST_MESSAGE_BYTES } from './load-message.ts'

const LONGEST_SECONDS = 30 * 86_400

/** @param o the defaults in which the tests differ */
export function loadSettings(o: { rate: number; seconds: number; warmUp: number; topics: number }) {
  return {
    rate: setting.number(o.rate, 'messages offered a second, whatever the answers do', { min: 0.1, max: 100_000 }),
    seconds: setting.integer(o.seconds, 'measured span', { min: 1, max: LONGEST_SECONDS, value: 'seconds' }),
    warmUp: setting.integer(o.warmUp, 'at the same rate before it; counted, but not timed', {
      min: 0,
      max: 3600,
      value: 'seconds',
    }),
    arrivals: setting.choice('constant', ['constant', 'poisson'], 'evenly, or at random as independent publishers do'),
    seed: setting.integer(42, 'decides random arrivals', { min: 0, max: 1_000_000 }),
    messageBytes: setting.integer(1024, 'of each message', {
      min: LEAST_MESSAGE_BYTES,
      max: 262_144,
      value: 'bytes',
    }),
    batch: setting.integer(1, 'messages a request: 1 is Publish, more PublishBatch', { min: 1, max: 10 }),
    topics: setting.integer(o.topics, 'topics, taken in turn', { min: 1, max: 1000 }),
    publishers: setting.integer(1, 'publisher principals of each topic, taken in turn', { min: 1, max: 200 }),
    sealed: setting.boolean(true, 'topics without a KMS key'),
    connections: setting.integer(64, 'TLS connections of all generators together', { min: 1, max: 4096 }),
    generators: setting.integer(1, 'processes that generate the load', { min: 1, max: 16 }),
    gateways: setting.integer(1, 'gateways', { min: 1, max: 16 }),
    workers: setting.integer(1, 'delivery workers', { min: 1, max: 16 }),
    timeout: setting.number(20, 'for the answer to a request', { min: 0.1, max: 300, value: 'seconds' }),
    drain: setting.integer(60, 'for what is under way at the end', { min: 1, max: 3600, value: 'seconds' }),
    maxErrors: setting.number(0, 'share of messages that may be refused or fail; more fails the run', {
      min: 0,
      max: 1,
      value: 'share',
    }),
    minAchieved: setting.number(0.95, 'share of the offered rate that must be reached; less fails the run', {
      min: 0,
      max: 1,
      value: 'share',
    }),
    maxP99: setting.number(0, 'milliseconds that the p99 of publishing may take; 0: not judged', {
      min: 0,
      max: 3_600_000,
      value: 'ms',
    }),
    maxLate: setting.number(25, "of the generator's own p99 lateness; with more the run is invalid", {
      min: 1,
      max: 60_000,
      value: 'ms',
    }),
  }
}

/** Over and above `loadSettings`, for tests whose messages are delivered. */
export function deliverySettings(o: { subscriptions: number }) {
  return {
    subscriptions: setting.integer(o.subscriptions, 'subscriptions of each topic', { min: 1, max: 5000 }),
    raw: setting.boolean(false, 'raw delivery: no envelope and no signature'),
    endpoints: setting.integer(1, 'processes that receive; each is an origin of its own', { min: 1, max: 16 }),
    maxEndToEndP99: setting.number(0, 'milliseconds that the p99 to the subscriber may take; 0: not judged', {
      min: 0,
      max: 3_600_000,
      value: 'ms',
    }),
  }
}

export type LoadValues = ValuesOf<ReturnType<typeof loadSettings>>
export type DeliveryValues = ValuesOf<ReturnType<typeof deliverySettings>>
export interface SoakValues {
  /** MiB an hour. */
  readonly maxGrowth: number
  /** Seconds; 0: never. */
  readonly restartEvery: number
}

/** One run of any of the four. */
export interface ThroughputRun extends LoadValues {
  readonly test: string
  /** Undefined: nobody subscribes. */
  readonly delivery: DeliveryValues | undefined
  readonly soak: SoakValues | undefined
}
