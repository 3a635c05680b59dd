import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { decodeParameters } from './decode-parameters.ts'
import { readSigningCertPath, signingCertUrl, subscribeUrl, unsubscribeUrl } from './delivery-urls.ts'

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:orders'
const CERTIFICATE = '00112233445566778899aabbccddeeff'

suite('subscribeUrl() and unsubscribeUrl()', () => {
  test('point to the base URL, with or without a slash at its end', () => {
    const expected = `https://localhost:4443/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=ab`
    for (const baseUrl of ['https://localhost:4443', 'https://localhost:4443/']) {
      assert.equal(subscribeUrl({ baseUrl, topicArn: TOPIC, token: 'ab' }), expected)
    }
    assert.equal(
      unsubscribeUrl({ baseUrl: 'https://localhost:4443', subscriptionArn: `${TOPIC}:s-1` }),
      `https://localhost:4443/?Action=Unsubscribe&SubscriptionArn=${TOPIC}:s-1`,
    )
  })

  test('are decoded by this folder’s own decoder, also after a URL parser has seen them', () => {
    const url = new URL(subscribeUrl({ baseUrl: 'https://localhost', topicArn: TOPIC, token: 'ab' }))
    const decoded = decodeParameters({ query: url.search.slice(1), body: Buffer.alloc(0), hasFormBody: false })
    assert.deepEqual(
      [decoded.action, decoded.get('TopicArn'), decoded.get('Token')],
      ['ConfirmSubscription', TOPIC, 'ab'],
    )
  })
})

suite('signingCertUrl() and readSigningCertPath()', () => {
  test('agree on the path', () => {
    const url = new URL(signingCertUrl({ baseUrl: 'https://localhost/', certificateId: CERTIFICATE }))
    assert.equal(url.pathname, `/SimpleNotificationService-${CERTIFICATE}.pem`)
    assert.equal(readSigningCertPath(url.pathname), CERTIFICATE)
  })

  for (const path of [
    '/',
    `/SimpleNotificationService-${CERTIFICATE}`,
    `/SimpleNotificationService-${CERTIFICATE.toUpperCase()}.pem`,
    `/SimpleNotificationService-${CERTIFICATE}0.pem`,
    '/SimpleNotificationService-../../../../etc/passwd.pem',
    `/x/SimpleNotificationService-${CERTIFICATE}.pem`,
    `/SimpleNotificationService-${CERTIFICATE}.pem\n`,
  ]) {
    test(`finds no certificate at ${JSON.stringify(path)}`, () => assert.equal(readSigningCertPath(path), undefined))
  }
})
