import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { BrokerError } from '#shared/errors'
import { parseSubscriptionArn, parseTopicArn } from './arns.ts'

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:orders'
const ID = '7c9e6679-7425-40de-944b-e07fc1f90ae7'

suite('parseTopicArn()', () => {
  test('takes an ARN apart', () => {
    assert.deepEqual(parseTopicArn(TOPIC), {
      arn: TOPIC,
      region: 'eu-west-1',
      account: '111122223333',
      name: 'orders',
    })
  })

  test('takes the names of FIFO topics and names of 256 characters', () => {
    for (const name of ['orders.fifo', 'a'.repeat(256), `${'a'.repeat(251)}.fifo`, '_-0']) {
      assert.equal(parseTopicArn(`arn:aws:sns:eu-west-1:111122223333:${name}`).name, name)
    }
  })

  test('counts the elements of what is too short, an empty text as one', () => {
    for (const [arn, elements] of [
      ['', 1],
      ['orders', 1],
      ['arn:aws:sns:eu-west-1:111122223333', 5],
    ] as const) {
      refusesTopic(arn, `Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not ${elements}`)
    }
  })

  test('says that it is missing, under the name of the parameter', () => {
    refusesTopic(undefined, 'Invalid parameter: TopicArn Reason: no value for required parameter')
    refusesTopic(undefined, 'Invalid parameter: TargetArn Reason: no value for required parameter', 'TargetArn')
  })

  const malformed = [
    'urn:aws:sns:eu-west-1:111122223333:orders',
    'arn:aws-cn:sns:eu-west-1:111122223333:orders',
    'arn:aws:sqs:eu-west-1:111122223333:orders',
    'arn:aws:sns::111122223333:orders',
    'arn:aws:sns:EU-WEST-1:111122223333:orders',
    'arn:aws:sns:eu}west:111122223333:orders',
    `arn:aws:sns:${'a'.repeat(33)}:111122223333:orders`,
    'arn:aws:sns:eu-west-1:11112222333:orders',
    'arn:aws:sns:eu-west-1:11112222333x:orders',
    'arn:aws:sns:eu-west-1:111122223333:',
    'arn:aws:sns:eu-west-1:111122223333:or ders',
    'arn:aws:sns:eu-west-1:111122223333:orders\n',
    'arn:aws:sns:eu-west-1:111122223333:a.b',
    'arn:aws:sns:eu-west-1:111122223333:.fifo',
    `arn:aws:sns:eu-west-1:111122223333:${'a'.repeat(257)}`,
    `arn:aws:sns:eu-west-1:111122223333:${'a'.repeat(252)}.fifo`,
    `${TOPIC}:${ID}`,
    ':::::',
    ':'.repeat(300_000),
  ]
  for (const arn of malformed) {
    test(`refuses ${JSON.stringify(arn.slice(0, 70))}`, () => refusesTopic(arn, 'Invalid parameter: TopicArn'))
  }

  test('answers any text with its parts or a refusal', () => {
    const pieces = fc.array(
      fc.constantFrom('arn', 'aws', 'sns', 'eu-west-1', '111122223333', 'orders', ':', '.fifo', ID),
    )
    const anything = fc.oneof(
      fc.string(),
      pieces.map((list) => list.join('')),
      pieces.map((list) => list.join(':')),
    )
    fc.assert(
      fc.property(anything, (arn) => {
        try {
          const parsed = parseTopicArn(arn)
          assert.equal(`arn:aws:sns:${parsed.region}:${parsed.account}:${parsed.name}`, arn)
        } catch (error) {
          assert.ok(error instanceof BrokerError && error.code === 'INVALID_PARAMETER')
        }
      }),
    )
  })
})

suite('parseSubscriptionArn()', () => {
  test('takes an ARN apart', () => {
    assert.deepEqual(parseSubscriptionArn(`${TOPIC}:${ID}`), {
      arn: `${TOPIC}:${ID}`,
      topicArn: TOPIC,
      id: ID,
      region: 'eu-west-1',
      account: '111122223333',
    })
  })

  for (const [arn, message] of [
    [undefined, 'Invalid parameter: SubscriptionArn Reason: no value for required parameter'],
    ['PendingConfirmation', 'Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1'],
    [TOPIC, 'Invalid parameter: SubscriptionId'],
    [`${TOPIC}:`, 'Invalid parameter: SubscriptionId'],
    [`${TOPIC}:${ID.toUpperCase()}`, 'Invalid parameter: SubscriptionId'],
    [`${TOPIC}:${ID}\n`, 'Invalid parameter: SubscriptionId'],
    [`${TOPIC}:x:${ID}`, 'Invalid parameter: SubscriptionArn'],
    [`arn:aws:sqs:eu-west-1:111122223333:orders:${ID}`, 'Invalid parameter: SubscriptionArn'],
    [`arn:aws:sns:eu-west-1:111122223333:${ID}`, 'Invalid parameter: SubscriptionId'],
  ] as const) {
    test(`refuses ${JSON.stringify(arn ?? 'nothing')}`, () => {
      assert.throws(() => parseSubscriptionArn(arn), { code: 'INVALID_PARAMETER', message })
    })
  }
})

function refusesTopic(arn: string | undefined, message: string, parameter?: string): void {
  assert.throws(() => parseTopicArn(arn, parameter), { code: 'INVALID_PARAMETER', message })
}
