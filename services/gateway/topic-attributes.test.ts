import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { attributesAgree, readTopicAttributes, setTopicAttribute } from './topic-attributes.ts'

suite('setTopicAttribute()', () => {
  test('stores any KmsMasterKeyId verbatim and removes it when empty', () => {
    const sealed = setTopicAttribute({}, 'KmsMasterKeyId', 'no such key')
    assert.deepEqual(sealed, { kmsMasterKeyId: 'no such key' })
    assert.deepEqual(setTopicAttribute(sealed, 'KmsMasterKeyId', ''), {})
  })

  test('takes a KmsMasterKeyId of 1024 characters and refuses one of 1025', () => {
    const longest = 'k'.repeat(1024)
    assert.deepEqual(setTopicAttribute({}, 'KmsMasterKeyId', longest), { kmsMasterKeyId: longest })
    assert.throws(() => setTopicAttribute({}, 'KmsMasterKeyId', `${longest}k`), { code: 'INVALID_PARAMETER' })
  })

  test('takes a DisplayName of 100 characters and refuses one of 101', () => {
    assert.deepEqual(setTopicAttribute({}, 'DisplayName', 'x'.repeat(100)), { displayName: 'x'.repeat(100) })
    assert.throws(() => setTopicAttribute({}, 'DisplayName', 'x'.repeat(101)), { code: 'INVALID_PARAMETER' })
  })

  test('takes signature versions 1 and 2 alone', () => {
    assert.deepEqual(setTopicAttribute({}, 'SignatureVersion', '2'), { signatureVersion: '2' })
    for (const value of ['0', '3', '', '1.0']) {
      assert.throws(() => setTopicAttribute({}, 'SignatureVersion', value), { code: 'INVALID_PARAMETER' }, value)
    }
  })

  test('stores a DeliveryPolicy as it reads back, and removes it when empty', () => {
    const sent = '{ "http": { "defaultHealthyRetryPolicy": { "numRetries": 5 } } }'
    const set = setTopicAttribute({}, 'DeliveryPolicy', sent)
    const deliveryPolicy =
      '{"http":{"defaultHealthyRetryPolicy":{"numRetries":5},"disableSubscriptionOverrides":false}}'
    assert.deepEqual(set, { deliveryPolicy })
    assert.deepEqual(setTopicAttribute(set, 'DeliveryPolicy', ''), {})
    assert.throws(() => setTopicAttribute({}, 'DeliveryPolicy', '{}'), {
      message: 'Invalid parameter: DeliveryPolicy: http is missing',
    })
  })

  const refused = [
    ['Policy', '{}'],
    ['FifoTopic', 'true'],
    ['ContentBasedDeduplication', 'true'],
    ['FifoThroughputScope', 'Topic'],
    ['ArchivePolicy', '{}'],
    ['TracingConfig', 'Active'],
    ['HTTPSuccessFeedbackRoleArn', 'arn:aws:iam::000000000000:role/r'],
    ['SQSSuccessFeedbackSampleRate', '5'],
    ['TopicArn', 'x'],
    ['Owner', 'x'],
    ['displayname', 'x'],
    ['__proto__', 'x'],
  ] as const
  for (const [name, value] of refused) {
    test(`refuses ${name}, which nothing enforces or sets`, () => {
      assert.throws(() => setTopicAttribute({}, name, value), { code: 'INVALID_PARAMETER' })
    })
  }
})

suite('readTopicAttributes()', () => {
  test('passes over FifoTopic=false, as SNS does', () => {
    assert.deepEqual(readTopicAttributes([['FifoTopic', 'False']]), {})
  })

  test('prefixes a refusal with the parameter that held the attribute', () => {
    assert.throws(() => readTopicAttributes([['SignatureVersion', '9']]), {
      message: 'Invalid parameter: Attributes Reason: SignatureVersion',
    })
    assert.throws(() => readTopicAttributes([['DeliveryPolicy', '{']]), {
      message: 'Invalid parameter: Attributes Reason: DeliveryPolicy: failed to parse JSON',
    })
    assert.throws(() => readTopicAttributes([['Nonsense', '9']]), { message: 'Invalid parameter: AttributeName' })
  })
})

suite('attributesAgree()', () => {
  const stored = { displayName: 'Orders', kmsMasterKeyId: 'alias/a' }

  test('holds for a subset that equals what is stored', () => {
    assert.ok(agree([['DisplayName', 'Orders']]))
    assert.ok(agree([]))
  })

  test('fails for a value that differs and for one that was never set', () => {
    assert.ok(!agree([['DisplayName', 'Other']]))
    assert.ok(!agree([['SignatureVersion', '1']]))
    assert.ok(!agree([['KmsMasterKeyId', '']]))
  })

  function agree(entries: [string, string][]): boolean {
    return attributesAgree(entries, readTopicAttributes(entries), stored)
  }
})
