/**
 * Which delivery policy holds: defaults ← topic ← subscription, each of retry, throttle and request as a block, unless the
 * topic disables overrides.
 *
 * A content type that only a raw body can have does not hold for a delivery that is not raw: the default is sent instead,
 * and said in `EffectiveDeliveryPolicy`. The attributes are set one by one and in any order, and one policy of a topic
 * serves raw subscriptions and others, so neither order can be the refused one.
 *
 * Takes policies as they are stored: parsing has checked them.
 */

import { DEFAULT_HTTP_RETRY } from './default-policies.ts'
import {
  DEFAULT_CONTENT_TYPE,
  fitsBody,
  type SubscriptionDeliveryPolicy,
  type TopicDeliveryPolicy,
} from './delivery-policy.ts'
import type { RetryPolicy } from './retry-delays.ts'

export interface EffectiveDelivery {
  /** Complete, in the order of SNS's documents. */
  retry: RetryPolicy
  /** Undefined: no limit. */
  maxReceivesPerSecond: number | undefined
  contentType: string
}

/**
 * @param topicPolicy the topic's DeliveryPolicy as stored
 * @param subscriptionPolicy the subscription's
 * @param raw whether the subscription has RawMessageDelivery on
 */
export function effectiveDelivery(
  topicPolicy: string | undefined,
  subscriptionPolicy: string | undefined,
  { raw }: { raw: boolean },
): EffectiveDelivery {
  const { http } = readTopicPolicy(topicPolicy)
  const own = http.disableSubscriptionOverrides ? undefined : readSubscriptionPolicy(subscriptionPolicy)
  const throttle = own?.throttlePolicy ?? http.defaultThrottlePolicy
  const request = own?.requestPolicy ?? http.defaultRequestPolicy
  const contentType = request?.headerContentType ?? DEFAULT_CONTENT_TYPE
  return {
    retry: { ...DEFAULT_HTTP_RETRY, ...(own?.healthyRetryPolicy ?? http.defaultHealthyRetryPolicy) },
    maxReceivesPerSecond: throttle?.maxReceivesPerSecond,
    contentType: fitsBody(contentType, { raw }) ? contentType : DEFAULT_CONTENT_TYPE,
  }
}

/** The `EffectiveDeliveryPolicy` of a topic: compact JSON. */
export function topicEffectivePolicy(topicPolicy: string | undefined): string {
  // As configured, raw or not: which of its subscriptions are raw is not the topic's to say.
  const { retry, maxReceivesPerSecond, contentType } = effectiveDelivery(topicPolicy, undefined, { raw: true })
  const { disableSubscriptionOverrides } = readTopicPolicy(topicPolicy).http
  return JSON.stringify({
    http: {
      defaultHealthyRetryPolicy: retry,
      disableSubscriptionOverrides,
      // JSON leaves out what is undefined.
      defaultThrottlePolicy: maxReceivesPerSecond === undefined ? undefined : { maxReceivesPerSecond },
      defaultRequestPolicy: { headerContentType: contentType },
    },
  })
}

/** The `EffectiveDeliveryPolicy` of a subscription: compact JSON, all five keys. */
export function subscriptionEffectivePolicy(
  topicPolicy: string | undefined,
  subscriptionPolicy: string | undefined,
  { raw }: { raw: boolean },
): string {
  const { retry, maxReceivesPerSecond, contentType } = effectiveDelivery(topicPolicy, subscriptionPolicy, { raw })
  const effective: SubscriptionDeliveryPolicy = {
    healthyRetryPolicy: retry,
    sicklyRetryPolicy: null,
    throttlePolicy: maxReceivesPerSecond === undefined ? null : { maxReceivesPerSecond },
    requestPolicy: { headerContentType: contentType },
    guaranteed: false,
  }
  return JSON.stringify(effective)
}

function readTopicPolicy(stored: string | undefined): TopicDeliveryPolicy {
  return stored === undefined ? { http: { disableSubscriptionOverrides: false } } : JSON.parse(stored)
}

function readSubscriptionPolicy(stored: string | undefined): SubscriptionDeliveryPolicy | undefined {
  return stored === undefined ? undefined : JSON.parse(stored)
}
