import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { TopicAttributes } from '#shared/catalog'
import { defaultTopicPolicy } from '#shared/sns-wire'
import { attributesAgree, readTopicAttributes, setTopicAttribute } from './topic-attributes.ts'

const topic = { arn: 'arn:aws:sns:us-east-1:000000000000:orders', owner: '000000000000' }
const ALLOW = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sns:Publish' }

suite('setTopicAttribute()', () => {
  test('stores any KmsMasterKeyId verbatim and removes it when empty', () => {
    const sealed = set({}, 'KmsMasterKeyId', 'no such key')
    assert.deepEqual(sealed, { kmsMasterKeyId: 'no such key' })
    assert.deepEqual(set(sealed, 'KmsMasterKeyId', ''), {})
  })

  test('takes a KmsMasterKeyId of 1024 characters and refuses one of 1025', () => {
    const longest = 'k'.repeat(1024)
    assert.deepEqual(set({}, 'KmsMasterKeyId', longest), { kmsMasterKeyId: longest })
    assert.throws(() => set({}, 'KmsMasterKeyId', `${longest}k`), { code: 'INVALID_PARAMETER' })
  })

  test('takes a DisplayName of 100 characters and refuses one of 101', () => {
    assert.deepEqual(set({}, 'DisplayName', 'x'.repeat(100)), { displayName: 'x'.repeat(100) })
    assert.throws(() => set({}, 'DisplayName', 'x'.repeat(101)), { code: 'INVALID_PARAMETER' })
  })

  test('takes signature versions 1 and 2 alone', () => {
    assert.deepEqual(set({}, 'SignatureVersion', '2'), { signatureVersion: '2' })
    for (const value of ['0', '3', '', '1.0']) {
      assert.throws(() => set({}, 'SignatureVersion', value), { code: 'INVALID_PARAMETER' }, value)
    }
  })

  test('stores a DeliveryPolicy as it reads back, and removes it when empty', () => {
    const sent = '{ "http": { "defaultHealthyRetryPolicy": { "numRetries": 5 } } }'
    const stored = set({}, 'DeliveryPolicy', sent)
    const deliveryPolicy =
      '{"http":{"defaultHealthyRetryPolicy":{"numRetries":5},"disableSubscriptionOverrides":false}}'
    assert.deepEqual(stored, { deliveryPolicy })
    assert.deepEqual(set(stored, 'DeliveryPolicy', ''), {})
    assert.throws(() => set({}, 'DeliveryPolicy', '{}'), {
      message: 'Invalid parameter: DeliveryPolicy: http is missing',
    })
  })

  test('stores a Policy as it reads back, and takes the default document for none', () => {
    const policy = policyOf({ Effect: 'Allow', Principal: '*', Action: 'sns:Publish' })
    const stored = set({}, 'Policy', policy.replace('{', ' { '))
    assert.deepEqual(stored, { policy })
    assert.deepEqual(set(stored, 'Policy', defaultTopicPolicy(topic.arn, topic.owner)), {})
  })

  const malformed = [
    ['nothing', ''],
    ['no JSON', '{'],
    ['an unknown operator', policyOf({ ...ALLOW, Condition: { Nonsense: { a: 'b' } } })],
    ['a key that is there twice', policyOf(ALLOW).replace('"Effect"', '"Effect":"Deny","Effect"')],
    ['a variable that does not end', policyOf({ ...ALLOW, Condition: { StringEquals: { a: '${' } } })],
  ] as const
  for (const [name, value] of malformed) {
    test(`refuses a Policy of ${name}`, () => {
      assert.throws(() => set({}, 'Policy', value), { message: 'Invalid parameter: Policy Error: null' })
    })
  }

  const refused = [
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
      assert.throws(() => set({}, name, value), { code: 'INVALID_PARAMETER' })
    })
  }
})

suite('readTopicAttributes()', () => {
  test('passes over FifoTopic=false, as SNS does', () => {
    assert.deepEqual(read([['FifoTopic', 'False']]), {})
  })

  test('prefixes a refusal with the parameter that held the attribute', () => {
    assert.throws(() => read([['SignatureVersion', '9']]), {
      message: 'Invalid parameter: Attributes Reason: SignatureVersion',
    })
    assert.throws(() => read([['DeliveryPolicy', '{']]), {
      message: 'Invalid parameter: Attributes Reason: DeliveryPolicy: failed to parse JSON',
    })
    assert.throws(() => read([['Policy', '{']]), {
      message: 'Invalid parameter: Attributes Reason: Policy Error: null',
    })
    assert.throws(() => read([['Nonsense', '9']]), { message: 'Invalid parameter: AttributeName' })
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
    return attributesAgree(entries, read(entries), stored)
  }
})

function policyOf(statement: object): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ ...statement, Resource: topic.arn }] })
}

function set(current: TopicAttributes, name: string, value: string): TopicAttributes {
  return setTopicAttribute(current, name, value, topic)
}

function read(entries: readonly (readonly [string, string])[]): TopicAttributes {
  return readTopicAttributes(entries, topic)
}
