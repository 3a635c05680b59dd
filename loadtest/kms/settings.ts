/** What `loadtest kms` can be told, and what is made of the settings that are texts. Pure. */

import { setting, type ValuesOf } from '../settings/setting.ts'
import { PATTERNS, type Pattern } from './patterns.ts'

export const KMS_SETTINGS = {
  publishers: setting.numbers([3, 5], 'publishers of each topic', { min: 1, max: 100 }),
  rate: setting.number(20, 'messages a second of one publisher, while it publishes', { min: 0.1, max: 1_000 }),
  pattern: setting.text('steady', `one for all, or several given in turn: ${PATTERNS.join(', ')}`, 'pattern,pattern'),
  reuseSeconds: setting.integer(5, 'reuse period of data keys, D', { min: 1, max: 300, value: 'seconds' }),
  periods: setting.integer(24, 'reuse periods to count over, of each publisher', { min: 1, max: 10_000 }),
  gateways: setting.integer(1, 'gateways; each publisher sends to all in turn', { min: 1, max: 32 }),
  workers: setting.integer(1, 'delivery workers', { min: 1, max: 32 }),
  messageBytes: setting.integer(1024, 'size of a message', { min: 64, max: 200_000, value: 'bytes' }),
  leaseMs: setting.integer(5_000, 'lease of a partition; longer where the machine is slow', {
    min: 300,
    max: 600_000,
    value: 'ms',
  }),
  kms: setting.choice(
    'local',
    ['local', 'aws'],
    "the stack's own KMS, or AWS KMS with the credentials that the AWS SDK finds",
  ),
  key: setting.text('', 'KMS key of the topics: id, ARN or alias; with the local KMS one is made', 'key'),
  kmsMetrics: setting.text('', "with aws, and a stand-in for AWS KMS: the stand-in's /metrics, to count by", 'url'),
  throttle: setting.number(0, 'local KMS: requests a second above which it throttles; 0: never', {
    min: 0,
    max: 1_000_000,
    value: 'calls/s',
  }),
  latency: setting.text('', 'local KMS: delay of each answer, such as 20, or median..p99, such as 5..80', 'ms'),
  faults: setting.text('', 'local KMS: a fault plan as services/kms/faults/README.md has it, JSON or a file', 'plan'),
  maxRatio: setting.number(1.1, 'requests over the formula above which the test fails', {
    min: 0,
    max: 1_000,
    value: 'ratio',
  }),
  region: setting.text('us-east-1', 'region of the topics, and of the prices', 'region'),
  monthDays: setting.integer(31, 'days of the month that is extrapolated to', { min: 1, max: 366, value: 'days' }),
  monthReuseSeconds: setting.integer(300, 'its reuse period', { min: 1, max: 300, value: 'seconds' }),
  simulate: setting.boolean(false, "instead: the two months of SNS's encryption guide on a simulated clock"),
  simulateDays: setting.number(0, 'with --simulate: only so many days of each; 0: whole months', {
    min: 0,
    max: 31,
    value: 'days',
  }),
} as const

export type KmsValues = ValuesOf<typeof KMS_SETTINGS>

/** A plan for the fault controls of the local KMS. */
export interface FaultPlan {
  readonly throttling: readonly Readonly<Record<string, unknown>>[]
  readonly faults: readonly Readonly<Record<string, unknown>>[]
}

/**
 * @param o.readFile for a plan that is a file
 * @returns the patterns and the fault plan, and what is wrong, each as a sentence
 */
export function interpret(
  values: Pick<KmsValues, 'pattern' | 'throttle' | 'latency' | 'faults' | 'kms' | 'key' | 'kmsMetrics'>,
  { readFile }: { readFile: (path: string) => string },
): { patterns: Pattern[]; plan: FaultPlan; problems: string[] } {
  const problems: string[] = []
  const patterns = values.pattern.split(',').map((name) => name.trim())
  const unknown = patterns.filter((name) => !isPattern(name))
  if (unknown.length > 0)
    problems.push(`--pattern must be of ${PATTERNS.join(', ')}, current value is ${unknown.join()}`)

  const latency = latencyOf(values.latency)
  if (latency === 'bad') problems.push(`--latency must be like 20 or 5..80, current value is ${values.latency}`)
  const given = planOf(values.faults, readFile)
  if (typeof given === 'string') problems.push(`--faults ${given}`)
  const plan: FaultPlan = {
    throttling: [
      ...(values.throttle > 0 ? [{ quota: 'symmetric', ratePerSecond: values.throttle }] : []),
      ...(typeof given === 'string' ? [] : given.throttling),
    ],
    faults: [
      ...(latency === undefined || latency === 'bad' ? [] : [{ kind: 'latency', ms: latency }]),
      ...(typeof given === 'string' ? [] : given.faults),
    ],
  }
  if (values.kms === 'aws') {
    if (values.key === '') problems.push('--kms aws needs --key: no key is made in an account of yours')
    if (plan.throttling.length + plan.faults.length > 0)
      problems.push('--throttle, --latency and --faults need --kms local')
  } else if (values.kmsMetrics !== '') problems.push('--kms-metrics is for --kms aws: the local KMS is known')
  return { patterns: patterns.filter(isPattern), plan, problems }
}

/** @returns whether requests can fail by it: delays alone change no number */
export function refuses({ throttling, faults }: FaultPlan): boolean {
  return throttling.length > 0 || faults.some(({ kind }) => kind !== 'latency')
}

function isPattern(name: string): name is Pattern {
  return PATTERNS.some((pattern) => pattern === name)
}

function latencyOf(given: string): number | { medianMs: number; p99Ms: number } | undefined | 'bad' {
  if (given === '') return undefined
  const [, median, p99] = /^(\d+(?:\.\d+)?)(?:\.\.(\d+(?:\.\d+)?))?$/.exec(given) ?? []
  if (median === undefined) return 'bad'
  if (p99 === undefined) return Number(median)
  const [medianMs, p99Ms] = [Number(median), Number(p99)]
  return medianMs > 0 && medianMs <= p99Ms ? { medianMs, p99Ms } : 'bad'
}

/** @returns what is wrong with it as a text; the KMS itself checks the rules */
function planOf(given: string, readFile: (path: string) => string): FaultPlan | string {
  if (given === '') return { throttling: [], faults: [] }
  try {
    const plan: unknown = JSON.parse(given.trimStart().startsWith('{') ? given : readFile(given))
    const { throttling = [], faults = [] } = Object(plan) as Partial<FaultPlan>
    if (!Array.isArray(throttling) || !Array.isArray(faults)) return 'must have lists of throttling and faults'
    return { throttling, faults }
  } catch (error) {
    return `cannot be read: ${error instanceof Error ? error.message : error}`
  }
}
