/**
 * The delivery policies of a topic and of a subscription, as they are stored: what parsing gave, as compact JSON.
 *
 * Names and nesting are SNS's. A block that is not set is absent from a topic's policy and null in a subscription's, as
 * SNS reads them back. Fields that a block leaves out are those of the defaults. Amazon SNS developer guide, "message
 * delivery retries", "Creating an HTTP/S delivery policy".
 */

import type { RetryPolicy } from './retry-delays.ts'

export interface ThrottlePolicy {
  maxReceivesPerSecond?: number
}

export interface RequestPolicy {
  headerContentType?: string
}

export interface TopicDeliveryPolicy {
  http: {
    defaultHealthyRetryPolicy?: Partial<RetryPolicy>
    disableSubscriptionOverrides: boolean
    defaultThrottlePolicy?: ThrottlePolicy
    defaultRequestPolicy?: RequestPolicy
  }
}

export interface SubscriptionDeliveryPolicy {
  healthyRetryPolicy: Partial<RetryPolicy> | null
  /** Once meant for ailing endpoints. SNS takes it and does not use it; neither do we. */
  sicklyRetryPolicy: Partial<RetryPolicy> | null
  throttlePolicy: ThrottlePolicy | null
  requestPolicy: RequestPolicy | null
  /** Another relic without an effect. */
  guaranteed: boolean
}

/** Of a delivery that nothing was set for. */
export const DEFAULT_CONTENT_TYPE = 'text/plain; charset=UTF-8'

/** Fit for SNS's JSON body, and therefore for raw bodies too. The default may be asked for as it reads back. */
const JSON_CONTENT_TYPES: ReadonlySet<string> = new Set(['application/json', 'text/plain', DEFAULT_CONTENT_TYPE])

/** Only a raw body can be of these types: SNS's own JSON is none of them. */
const RAW_CONTENT_TYPES: ReadonlySet<string> = new Set([
  'application/atom+xml',
  'application/octet-stream',
  'application/soap+xml',
  'application/x-www-form-urlencoded',
  'application/xhtml+xml',
  'application/xml',
  'text/css',
  'text/csv',
  'text/html',
  'text/xml',
])

/** Whether a policy may name it. */
export function isContentType(value: string): boolean {
  return JSON_CONTENT_TYPES.has(value) || RAW_CONTENT_TYPES.has(value)
}

/** Whether a delivery can carry it; one that is not raw is SNS's JSON. */
export function fitsBody(contentType: string, { raw }: { raw: boolean }): boolean {
  return raw || JSON_CONTENT_TYPES.has(contentType)
}
