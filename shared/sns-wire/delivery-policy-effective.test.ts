import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { effectiveDelivery, subscriptionEffectivePolicy, topicEffectivePolicy } from './delivery-policy-effective.ts'
import { parseSubscriptionDeliveryPolicy, parseTopicDeliveryPolicy } from './delivery-policy-parse.ts'

const RETRY = {
  minDelayTarget: 20,
  maxDelayTarget: 20,
  numRetries: 3,
  numMaxDelayRetries: 0,
  numNoDelayRetries: 0,
  numMinDelayRetries: 0,
  backoffFunction: 'linear',
}
const RETRY_TEXT =
  '{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"}'

suite('effectiveDelivery()', () => {
  test('gives the defaults where nothing is set', () => {
    const defaults = { retry: RETRY, maxReceivesPerSecond: undefined, contentType: 'text/plain; charset=UTF-8' }
    assert.deepEqual(effectiveDelivery(undefined, undefined, { raw: false }), defaults)
    assert.deepEqual(effectiveDelivery(topic({}), subscription({}), { raw: true }), defaults)
  })

  test('takes each block of the subscription before the one of the topic, whole', () => {
    const ofTopic = topic({
      defaultHealthyRetryPolicy: { numRetries: 9, maxDelayTarget: 40 },
      defaultThrottlePolicy: { maxReceivesPerSecond: 5 },
      defaultRequestPolicy: { headerContentType: 'application/json' },
    })
    const inherited = {
      retry: { ...RETRY, numRetries: 9, maxDelayTarget: 40 },
      maxReceivesPerSecond: 5,
      contentType: 'application/json',
    }
    const cases: [own: object, changed: object][] = [
      [{}, {}],
      // What the block leaves out is the default's, not the topic's.
      [{ healthyRetryPolicy: { numRetries: 1 } }, { retry: { ...RETRY, numRetries: 1 } }],
      [{ healthyRetryPolicy: {} }, { retry: RETRY }],
      [{ throttlePolicy: { maxReceivesPerSecond: 7 } }, { maxReceivesPerSecond: 7 }],
      [{ throttlePolicy: {} }, { maxReceivesPerSecond: undefined }],
      [{ requestPolicy: { headerContentType: 'text/plain' } }, { contentType: 'text/plain' }],
      [{ sicklyRetryPolicy: { numRetries: 1 }, guaranteed: true }, {}],
    ]
    for (const [own, changed] of cases) {
      const effective = effectiveDelivery(ofTopic, subscription(own), { raw: false })
      assert.deepEqual(effective, { ...inherited, ...changed }, JSON.stringify(own))
    }
  })

  test('passes over the subscription where the topic disables overrides', () => {
    const own = subscription({ healthyRetryPolicy: { numRetries: 1 }, throttlePolicy: { maxReceivesPerSecond: 1 } })
    const ofTopic = topic({ disableSubscriptionOverrides: true })
    assert.deepEqual(
      effectiveDelivery(ofTopic, own, { raw: false }),
      effectiveDelivery(undefined, undefined, { raw: false }),
    )
  })

  test('sends a content type that only raw bodies can have with raw bodies alone, whoever set it', () => {
    const csv = { headerContentType: 'text/csv' }
    for (const [ofTopic, own] of [
      [topic({ defaultRequestPolicy: csv }), undefined],
      [undefined, subscription({ requestPolicy: csv })],
    ] as const) {
      assert.equal(effectiveDelivery(ofTopic, own, { raw: true }).contentType, 'text/csv')
      assert.equal(effectiveDelivery(ofTopic, own, { raw: false }).contentType, 'text/plain; charset=UTF-8')
    }
    for (const headerContentType of ['text/plain', 'application/json']) {
      const own = subscription({ requestPolicy: { headerContentType } })
      for (const raw of [true, false]) {
        assert.equal(effectiveDelivery(undefined, own, { raw }).contentType, headerContentType)
      }
    }
  })
})

suite('topicEffectivePolicy()', () => {
  test('is SNS’s document for a topic without a policy, to the byte', () => {
    assert.equal(
      topicEffectivePolicy(undefined),
      `{"http":{"defaultHealthyRetryPolicy":${RETRY_TEXT},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`,
    )
  })

  test('fills what a policy leaves out, in the same order', () => {
    const stored = topic({
      defaultRequestPolicy: { headerContentType: 'text/csv' },
      defaultThrottlePolicy: { maxReceivesPerSecond: 10 },
      disableSubscriptionOverrides: true,
      defaultHealthyRetryPolicy: { backoffFunction: 'geometric', numRetries: 4 },
    })
    const retry = RETRY_TEXT.replace('"numRetries":3', '"numRetries":4').replace('linear', 'geometric')
    assert.equal(
      topicEffectivePolicy(stored),
      `{"http":{"defaultHealthyRetryPolicy":${retry},"disableSubscriptionOverrides":true,"defaultThrottlePolicy":{"maxReceivesPerSecond":10},"defaultRequestPolicy":{"headerContentType":"text/csv"}}}`,
    )
  })
})

suite('subscriptionEffectivePolicy()', () => {
  test('has all five keys, filled from the topic and the defaults', () => {
    assert.equal(
      subscriptionEffectivePolicy(undefined, undefined, { raw: false }),
      `{"healthyRetryPolicy":${RETRY_TEXT},"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"guaranteed":false}`,
    )
    const ofTopic = topic({ defaultThrottlePolicy: { maxReceivesPerSecond: 3 } })
    const own = subscription({
      healthyRetryPolicy: { numRetries: 0 },
      requestPolicy: { headerContentType: 'text/css' },
    })
    assert.equal(
      subscriptionEffectivePolicy(ofTopic, own, { raw: true }),
      `{"healthyRetryPolicy":${RETRY_TEXT.replace('"numRetries":3', '"numRetries":0')},"sicklyRetryPolicy":null,"throttlePolicy":{"maxReceivesPerSecond":3},"requestPolicy":{"headerContentType":"text/css"},"guaranteed":false}`,
    )
  })
})

function topic(http: object): string {
  return parseTopicDeliveryPolicy(JSON.stringify({ http }))
}

function subscription(policy: object): string {
  return parseSubscriptionDeliveryPolicy(JSON.stringify(policy))
}
