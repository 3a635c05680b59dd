/**
 * A DeliveryPolicy as somebody sent it → the text to store, or a refusal.
 *
 * Whatever is stored was checked here, so that a delivery never has to doubt it. Keys that SNS does not know are refused
 * rather than dropped: a misspelt `numRetry` would otherwise be a policy that does nothing. Null stands for "not set",
 * wherever it stands. The stored text is what reads back, in SNS's forms: a topic's policy says `disableSubscriptionOverrides`
 * and leaves out what is not set; a subscription's has all five keys.
 *
 * Bounds: Amazon SNS developer guide, "message delivery retries". SNS's texts of these refusals are not documented.
 */

import { DEFAULT_HTTP_RETRY } from './default-policies.ts'
import {
  isContentType,
  type RequestPolicy,
  type SubscriptionDeliveryPolicy,
  type ThrottlePolicy,
  type TopicDeliveryPolicy,
} from './delivery-policy.ts'
import { InvalidParameterError } from './errors.ts'
import { MAX_ECHO_CHARACTERS, MAX_RETRIES, MAX_RETRY_SECONDS } from './limits.ts'
import { type RetryPolicy, retryDelays } from './retry-delays.ts'

/** @throws {InvalidParameterError} `Invalid parameter: DeliveryPolicy: …` */
export function parseTopicDeliveryPolicy(text: string): string {
  const document = objectOf(parseJson(text), 'the policy', ['http'])
  if (document.http === undefined) throw refusal('http is missing')
  const http = objectOf(document.http, 'http', [
    'defaultHealthyRetryPolicy',
    'disableSubscriptionOverrides',
    'defaultThrottlePolicy',
    'defaultRequestPolicy',
  ])
  const retry = http.defaultHealthyRetryPolicy
  const throttle = http.defaultThrottlePolicy
  const request = http.defaultRequestPolicy
  const policy: TopicDeliveryPolicy = {
    http: {
      ...(retry === undefined ? {} : { defaultHealthyRetryPolicy: readRetry(retry, 'defaultHealthyRetryPolicy') }),
      disableSubscriptionOverrides: readBoolean(http.disableSubscriptionOverrides, 'disableSubscriptionOverrides'),
      ...(throttle === undefined ? {} : { defaultThrottlePolicy: readThrottle(throttle, 'defaultThrottlePolicy') }),
      ...(request === undefined ? {} : { defaultRequestPolicy: readRequest(request, 'defaultRequestPolicy') }),
    },
  }
  return JSON.stringify(policy)
}

/** @throws {InvalidParameterError} `Invalid parameter: DeliveryPolicy: …` */
export function parseSubscriptionDeliveryPolicy(text: string): string {
  const document = objectOf(parseJson(text), 'the policy', [
    'healthyRetryPolicy',
    'sicklyRetryPolicy',
    'throttlePolicy',
    'requestPolicy',
    'guaranteed',
  ])
  const { healthyRetryPolicy, sicklyRetryPolicy, throttlePolicy, requestPolicy, guaranteed } = document
  const policy: SubscriptionDeliveryPolicy = {
    healthyRetryPolicy: healthyRetryPolicy === undefined ? null : readRetry(healthyRetryPolicy, 'healthyRetryPolicy'),
    sicklyRetryPolicy: sicklyRetryPolicy === undefined ? null : readRetry(sicklyRetryPolicy, 'sicklyRetryPolicy'),
    throttlePolicy: throttlePolicy === undefined ? null : readThrottle(throttlePolicy, 'throttlePolicy'),
    requestPolicy: requestPolicy === undefined ? null : readRequest(requestPolicy, 'requestPolicy'),
    guaranteed: readBoolean(guaranteed, 'guaranteed'),
  }
  return JSON.stringify(policy)
}

/** Checked as it will be used: what it leaves out has its default. */
function readRetry(value: unknown, name: string): Partial<RetryPolicy> {
  const given = objectOf(value, name, Object.keys(DEFAULT_HTTP_RETRY))
  const retry: RetryPolicy = { ...DEFAULT_HTTP_RETRY }
  for (const field of COUNTS) {
    if (given[field] !== undefined) retry[field] = readInteger(given[field], field, BOUNDS[field])
  }
  const { backoffFunction } = given
  if (backoffFunction !== undefined) {
    const known = BACKOFF_FUNCTIONS.find((one) => one === backoffFunction)
    if (known === undefined) throw refusal(`backoffFunction must be one of ${BACKOFF_FUNCTIONS.join(', ')}`)
    retry.backoffFunction = known
  }
  checkTogether(retry)
  // In the order of SNS's documents, whatever the order given.
  return Object.fromEntries(Object.entries(retry).filter(([field]) => given[field] !== undefined))
}

function checkTogether(retry: RetryPolicy): void {
  const { minDelayTarget, maxDelayTarget, numRetries, numNoDelayRetries, numMinDelayRetries, numMaxDelayRetries } =
    retry
  if (minDelayTarget > maxDelayTarget) {
    throw refusal(
      `minDelayTarget must not exceed maxDelayTarget, current values are ${minDelayTarget} and ${maxDelayTarget}`,
    )
  }
  const phases = numNoDelayRetries + numMinDelayRetries + numMaxDelayRetries
  if (phases > numRetries) {
    throw refusal(
      `numNoDelayRetries, numMinDelayRetries and numMaxDelayRetries must not exceed numRetries together, current values are ${phases} and ${numRetries}`,
    )
  }
  const seconds = retryDelays(retry).reduce((sum, delay) => sum + delay, 0)
  // The formulas divide: a total of exactly an hour may come out a hair above it.
  if (seconds > MAX_RETRY_SECONDS + 1e-6) {
    throw refusal(
      `all retries together must be due within ${MAX_RETRY_SECONDS} seconds, current value is ${Math.ceil(seconds)}`,
    )
  }
}

const COUNTS = [
  'minDelayTarget',
  'maxDelayTarget',
  'numRetries',
  'numNoDelayRetries',
  'numMinDelayRetries',
  'numMaxDelayRetries',
] as const

const BOUNDS: Readonly<Record<(typeof COUNTS)[number], readonly [min: number, max: number]>> = {
  minDelayTarget: [1, MAX_RETRY_SECONDS],
  maxDelayTarget: [1, MAX_RETRY_SECONDS],
  numRetries: [0, MAX_RETRIES],
  numNoDelayRetries: [0, MAX_RETRIES],
  numMinDelayRetries: [0, MAX_RETRIES],
  numMaxDelayRetries: [0, MAX_RETRIES],
}

const BACKOFF_FUNCTIONS = ['arithmetic', 'exponential', 'geometric', 'linear'] as const

function readThrottle(value: unknown, name: string): ThrottlePolicy {
  const { maxReceivesPerSecond } = objectOf(value, name, ['maxReceivesPerSecond'])
  if (maxReceivesPerSecond === undefined) return {}
  return {
    maxReceivesPerSecond: readInteger(maxReceivesPerSecond, 'maxReceivesPerSecond', [1, Number.MAX_SAFE_INTEGER]),
  }
}

function readRequest(value: unknown, name: string): RequestPolicy {
  const { headerContentType } = objectOf(value, name, ['headerContentType'])
  if (headerContentType === undefined) return {}
  if (typeof headerContentType !== 'string' || !isContentType(headerContentType)) {
    throw refusal('headerContentType is not one of the content types that deliveries can have')
  }
  return { headerContentType }
}

function readInteger(value: unknown, name: string, [min, max]: readonly [min: number, max: number]): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw refusal(
    max === Number.MAX_SAFE_INTEGER
      ? `${name} must be an integer of at least ${min}`
      : `${name} must be an integer from ${min} to ${max}`,
  )
}

function readBoolean(value: unknown, name: string): boolean {
  if (value === undefined) return false
  if (typeof value !== 'boolean') throw refusal(`${name} must be true or false`)
  return value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refusal('failed to parse JSON')
  }
}

/** Its fields without those that are null. @throws when it is no object or has a field that is not `known` */
function objectOf(value: unknown, name: string, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refusal(`${name} must be an object`)
  const fields = Object.entries(value)
  for (const [field] of fields) {
    if (!known.includes(field)) throw refusal(`${name} has the unknown key ${field.slice(0, MAX_ECHO_CHARACTERS)}`)
  }
  return Object.fromEntries(fields.filter(([, field]) => field !== null))
}

function refusal(reason: string): InvalidParameterError {
  return new InvalidParameterError(`Invalid parameter: DeliveryPolicy: ${reason}`)
}
