import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { confirmationHeaders, notificationHeaders } from './delivery-headers.ts'

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:orders'
const ids = { messageId: 'm-1', topicArn: TOPIC, subscriptionArn: `${TOPIC}:s-1` }

suite('notificationHeaders()', () => {
  test('names message, topic and subscription', () => {
    assert.deepEqual(notificationHeaders(ids), {
      'x-amz-sns-message-type': 'Notification',
      'x-amz-sns-message-id': 'm-1',
      'x-amz-sns-topic-arn': TOPIC,
      'x-amz-sns-subscription-arn': `${TOPIC}:s-1`,
      'Content-Type': 'text/plain; charset=UTF-8',
      'User-Agent': 'Amazon Simple Notification Service Agent',
      'Accept-Encoding': 'gzip,deflate',
    })
  })

  test('marks raw delivery and takes the subscription’s content type', () => {
    const headers = notificationHeaders({ ...ids, raw: true, contentType: 'application/json' })
    assert.equal(headers['x-amz-sns-rawdelivery'], 'true')
    assert.equal(headers['Content-Type'], 'application/json')
    assert.ok(!('x-amz-sns-rawdelivery' in notificationHeaders({ ...ids, raw: false })))
  })
})

suite('confirmationHeaders()', () => {
  test('do not name a subscription that is yet to be confirmed', () => {
    assert.deepEqual(confirmationHeaders({ ...ids, purpose: 'subscribe' }), {
      'x-amz-sns-message-type': 'SubscriptionConfirmation',
      'x-amz-sns-message-id': 'm-1',
      'x-amz-sns-topic-arn': TOPIC,
      'Content-Type': 'text/plain; charset=UTF-8',
      'User-Agent': 'Amazon Simple Notification Service Agent',
      'Accept-Encoding': 'gzip,deflate',
    })
  })

  test('name the subscription that was ended', () => {
    const headers = confirmationHeaders({ ...ids, purpose: 'unsubscribe' })
    assert.equal(headers['x-amz-sns-message-type'], 'UnsubscribeConfirmation')
    assert.equal(headers['x-amz-sns-subscription-arn'], `${TOPIC}:s-1`)
  })
})
