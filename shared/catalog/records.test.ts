import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { BrokerError } from '#shared/errors'
import { createRecordMac, createSecretRing, type RecordMac } from '#shared/record-mac'
import { endpointName } from './endpoint-name.ts'
import { keys } from './keys.ts'
import {
  decodeSubscription,
  decodeTopic,
  encodeSubscription,
  encodeTopic,
  joinAuthentic,
  type Subscription,
  splitAuthentic,
  type Topic,
} from './records.ts'

suite('encodeTopic() and decodeTopic()', () => {
  test('have the frozen form', () => {
    const { recordMac } = setup()
    assert.deepEqual(encodeTopic(topic, recordMac), {
      text: '{"v":1,"arn":"arn:aws:sns:us-east-1:000000000000:orders","incarnation":"00112233445566778899aabbccddeeff","owner":"000000000000","createdAt":1767225600000,"attributes":{"displayName":"Über","kmsMasterKeyId":"alias/x","signatureVersion":"2"}}',
      mac: '0000000a.SWA-qMqpRow7QHmPAFAzTBc2arfu-ORNUeWGF-_2hDc',
    })
  })

  test('give back any topic', () => {
    const { recordMac } = setup()
    const text = fc.string({ unit: 'grapheme' })
    const attributes = fc.record(
      {
        displayName: text,
        kmsMasterKeyId: text,
        signatureVersion: fc.constantFrom('1' as const, '2' as const),
        deliveryPolicy: text,
        policy: text,
      },
      { requiredKeys: [], noNullPrototype: true },
    )
    fc.assert(
      fc.property(
        fc.record(
          { arn: text, incarnation: text, owner: text, createdAt: fc.nat(), attributes },
          { noNullPrototype: true },
        ),
        (any) => assert.deepEqual(decodeTopic(any.arn, encodeTopic(any, recordMac), recordMac), any),
      ),
    )
  })

  test('refuse a record under another ARN, with another text or MAC, or without one', () => {
    const { recordMac } = setup()
    const { text, mac } = encodeTopic(topic, recordMac)
    const forged = { code: 'RECORD_FORGED' }
    assert.throws(() => decodeTopic(`${topic.arn}2`, { text, mac }, recordMac), forged)
    assert.throws(() => decodeTopic(topic.arn, { text: text.replace('alias/x', 'alias/y'), mac }, recordMac), forged)
    assert.throws(() => decodeTopic(topic.arn, { text: `${text} `, mac }, recordMac), forged)
    assert.throws(() => decodeTopic(topic.arn, { text }, recordMac), forged)
    assert.throws(() => decodeTopic(topic.arn, { mac }, recordMac), forged)
    assert.throws(() => decodeTopic(topic.arn, {}, recordMac), forged)
  })

  test('refuse an authentic record that this release does not fully understand', () => {
    const { recordMac } = setup()
    const { text } = encodeTopic(topic, recordMac)
    for (const other of [
      text.replace('"v":1', '"v":2'),
      text.replace('"owner"', '"policy":"{}","owner"'),
      text.replace('"signatureVersion":"2"', '"signatureVersion":"3"'),
      text.replace('"attributes":{', '"attributes":{"another":"x",'),
      text.replace('1767225600000', '"soon"'),
      text.slice(1),
      'null',
    ]) {
      assert.notEqual(other, text)
      const mac = recordMac.authenticate('topic', [topic.arn, other])
      assert.throws(() => decodeTopic(topic.arn, { text: other, mac }, recordMac), { code: 'DOCUMENT_INVALID' }, other)
    }
  })
})

suite('encodeSubscription() and decodeSubscription()', () => {
  test('have the frozen form', () => {
    const { recordMac } = setup()
    assert.equal(
      joinAuthentic(encodeSubscription(subscription, recordMac)),
      '0000000a.gKw6RpRJu3Tyh7_W-BP0Aboj-nxuCBKVFmbP-XHCKB4 {"v":1,"id":"9a1c1e0e-6f4a-4f0e-9a0b-1d2c3b4a5f62","topicArn":"arn:aws:sns:us-east-1:000000000000:orders","incarnation":"00112233445566778899aabbccddeeff","protocol":"https","endpoint":"https://example.com/ü","owner":"000000000000","principal":"arn:aws:iam::000000000000:user/alice","state":"pending","confirmationWasAuthenticated":false,"createdAt":1767225600000}',
    )
  })

  test('write what was set after what every one has', () => {
    const { recordMac } = setup()
    const full: Subscription = { ...subscription, deliveryPolicy: '{}', rawMessageDelivery: true, pendingSince: 1 }
    const { text, mac } = encodeSubscription(full, recordMac)
    assert.ok(
      text.endsWith('"createdAt":1767225600000,"pendingSince":1,"rawMessageDelivery":true,"deliveryPolicy":"{}"}'),
    )
    const { topicArn, id } = full
    assert.deepEqual(decodeSubscription({ topicArn, id }, { text, mac }, recordMac), full)
  })

  test('refuse a record moved to another topic or id', () => {
    const { recordMac } = setup()
    const stored = encodeSubscription(subscription, recordMac)
    const { topicArn, id } = subscription
    assert.deepEqual(decodeSubscription({ topicArn, id }, stored, recordMac), subscription)
    const forged = { code: 'RECORD_FORGED' }
    assert.throws(() => decodeSubscription({ topicArn: `${topicArn}2`, id }, stored, recordMac), forged)
    assert.throws(() => decodeSubscription({ topicArn, id: `${id}2` }, stored, recordMac), forged)
  })

  test('refuse a topic taken for a subscription', () => {
    const { recordMac } = setup()
    const { topicArn, id } = subscription
    const { text } = encodeSubscription(subscription, recordMac)
    const mac = recordMac.authenticate('topic', [topicArn, id, text])
    assert.throws(() => decodeSubscription({ topicArn, id }, { text, mac }, recordMac), { code: 'RECORD_FORGED' })
  })

  test('refuse an authentic record that this release does not fully understand', () => {
    const { recordMac } = setup()
    const { topicArn, id } = subscription
    const { text } = encodeSubscription(subscription, recordMac)
    for (const other of [
      text.replace('"https"', '"sqs"'),
      text.replace('"owner"', '"filterPolicy":"{}","owner"'),
      text.replace('"owner"', '"rawMessageDelivery":false,"owner"'),
      text.replace('"pending"', '"unknown"'),
      text.replace('false', '0'),
    ]) {
      const mac = recordMac.authenticate('subscription', [topicArn, id, other])
      const decode = () => decodeSubscription({ topicArn, id }, { text: other, mac }, recordMac)
      assert.throws(decode, { code: 'DOCUMENT_INVALID' }, other)
    }
  })

  test('answer any stored text with a broker error', () => {
    const { recordMac } = setup()
    const { topicArn, id } = subscription
    const trusting: RecordMac = { authenticate: recordMac.authenticate, verify: () => undefined }
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (value) => {
        assert.throws(() => decodeSubscription({ topicArn, id }, splitAuthentic(value), recordMac), BrokerError)
        assert.throws(() => decodeSubscription({ topicArn, id }, { text: value }, trusting), BrokerError)
        assert.throws(() => decodeTopic(topicArn, { text: value }, trusting), BrokerError)
      }),
    )
  })
})

suite('keys', () => {
  test('has the frozen names', () => {
    assert.equal(keys.topicKey(topic.arn), `sealcast:{t:${topic.arn}}:topic`)
    assert.equal(keys.subscriptionsKey(topic.arn), `sealcast:{t:${topic.arn}}:subscriptions`)
    assert.deepEqual(
      keys.allOf(topic.arn).slice(2),
      ['subscription-ids', 'endpoints', 'pending', 'deleted'].map((name) => `sealcast:{t:${topic.arn}}:${name}`),
    )
    assert.equal(keys.indexKeyOf(topic.arn), 'sealcast:topics:000000000000:us-east-1')
    assert.equal(keys.ownedKeyOf(subscription), 'sealcast:subscriptions:000000000000:us-east-1')
    assert.equal(endpointName(subscription), 'usf3f0jtlCW3l_VeDAeO21L8AOy8GRPRKJ6y5qOIPoM')
  })

  test('refuses an ARN that would break the hash tag', () => {
    for (const arn of ['arn:aws:sns:us-east-1:000000000000:a}b', 'a{b'])
      assert.throws(() => keys.topicKey(arn), RangeError)
  })
})

const topic: Topic = {
  arn: 'arn:aws:sns:us-east-1:000000000000:orders',
  incarnation: '00112233445566778899aabbccddeeff',
  owner: '000000000000',
  createdAt: 1_767_225_600_000,
  attributes: { displayName: 'Über', kmsMasterKeyId: 'alias/x', signatureVersion: '2' },
}

const subscription: Subscription = {
  id: '9a1c1e0e-6f4a-4f0e-9a0b-1d2c3b4a5f62',
  topicArn: topic.arn,
  incarnation: topic.incarnation,
  protocol: 'https',
  endpoint: 'https://example.com/ü',
  owner: '000000000000',
  principal: 'arn:aws:iam::000000000000:user/alice',
  state: 'pending',
  confirmationWasAuthenticated: false,
  createdAt: 1_767_225_600_000,
}

function setup(): { recordMac: RecordMac } {
  const ring = createSecretRing('0000000a', new Map([['0000000a', createSecretKey(Buffer.alloc(32, 7))]]))
  return { recordMac: createRecordMac(ring) }
}
