import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  readSubscriptionAttributes,
  setSubscriptionAttribute,
  subscriptionAttributesAgree,
} from './subscription-attributes.ts'

const POLICY =
  '{"healthyRetryPolicy":null,"sicklyRetryPolicy":null,"throttlePolicy":{"maxReceivesPerSecond":1},"requestPolicy":null,"guaranteed":false}'

suite('setSubscriptionAttribute()', () => {
  test('takes RawMessageDelivery in any case and stores that it is on, or nothing', () => {
    for (const value of ['true', 'TRUE', 'True']) {
      assert.deepEqual(setSubscriptionAttribute({}, 'RawMessageDelivery', value), { rawMessageDelivery: true })
    }
    for (const value of ['false', 'FALSE']) {
      const off = setSubscriptionAttribute({ rawMessageDelivery: true }, 'RawMessageDelivery', value)
      assert.deepEqual(off, {})
    }
  })

  test('stores a DeliveryPolicy as it reads back, removes it when empty, and leaves the rest alone', () => {
    const set = setSubscriptionAttribute({ rawMessageDelivery: true }, 'DeliveryPolicy', POLICY.replaceAll(',', ' ,\n'))
    assert.deepEqual(set, { rawMessageDelivery: true, deliveryPolicy: POLICY })
    assert.deepEqual(setSubscriptionAttribute(set, 'DeliveryPolicy', ''), { rawMessageDelivery: true })
  })

  for (const { name, value, text } of refusals()) {
    test(`refuses ${name}=${value}`, () => {
      assert.throws(() => setSubscriptionAttribute({}, name, value), {
        code: 'INVALID_PARAMETER',
        message: `Invalid parameter: ${text}`,
      })
    })
  }
})

suite('readSubscriptionAttributes()', () => {
  test('reads the whole map', () => {
    const entries: [string, string][] = [
      ['DeliveryPolicy', POLICY],
      ['RawMessageDelivery', 'true'],
    ]
    assert.deepEqual(readSubscriptionAttributes(entries), { deliveryPolicy: POLICY, rawMessageDelivery: true })
    assert.deepEqual(readSubscriptionAttributes([]), {})
  })

  for (const { name, value, text } of refusals()) {
    test(`refuses ${name}=${value} as of the map`, () => {
      const whole = text === 'AttributeName' ? text : `Attributes Reason: ${text.replace(' Reason:', ':')}`
      assert.throws(() => readSubscriptionAttributes([[name, value]]), { message: `Invalid parameter: ${whole}` })
    })
  }
})

suite('subscriptionAttributesAgree()', () => {
  const cases: [what: string, supplied: [string, string][], stored: object, agree: boolean][] = [
    ['nothing, whatever is stored', [], { rawMessageDelivery: true, deliveryPolicy: POLICY }, true],
    ['a default where nothing is stored', [['RawMessageDelivery', 'False']], {}, true],
    ['an empty policy where none is stored', [['DeliveryPolicy', '']], {}, true],
    ['what is stored', [['RawMessageDelivery', 'True']], { rawMessageDelivery: true }, true],
    ['a policy written otherwise', [['DeliveryPolicy', ` ${POLICY}`]], { deliveryPolicy: POLICY }, true],
    ['one of two', [['DeliveryPolicy', POLICY]], { rawMessageDelivery: true, deliveryPolicy: POLICY }, true],
    ['a default where another is stored', [['RawMessageDelivery', 'false']], { rawMessageDelivery: true }, false],
    ['a value where none is stored', [['RawMessageDelivery', 'true']], {}, false],
    ['a policy where none is stored', [['DeliveryPolicy', POLICY]], {}, false],
    ['another policy', [['DeliveryPolicy', '{}']], { deliveryPolicy: POLICY }, false],
    ['an empty policy where one is stored', [['DeliveryPolicy', '']], { deliveryPolicy: POLICY }, false],
  ]
  for (const [what, entries, stored, agree] of cases) {
    test(`${agree ? 'holds' : 'fails'} for ${what}`, () => {
      assert.equal(subscriptionAttributesAgree(entries, readSubscriptionAttributes(entries), stored), agree)
    })
  }
})

function refusals(): { name: string; value: string; text: string }[] {
  const notYet = (name: string, value: string) => ({
    name,
    value,
    text: `${name} Reason: not supported by this server yet`,
  })
  const unknown = (name: string, value: string) => ({ name, value, text: 'AttributeName' })
  return [
    ...['', '1', 'yes', ' true'].map((value) => ({
      name: 'RawMessageDelivery',
      value,
      text: `RawMessageDelivery: Invalid value [${value}]. Must be true or false.`,
    })),
    { name: 'DeliveryPolicy', value: '{', text: 'DeliveryPolicy: failed to parse JSON' },
    { name: 'DeliveryPolicy', value: '{"http":{}}', text: 'DeliveryPolicy: the policy has the unknown key http' },
    notYet('FilterPolicy', '{"a":["b"]}'),
    notYet('FilterPolicy', ''),
    notYet('FilterPolicyScope', 'MessageBody'),
    notYet('RedrivePolicy', '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:q"}'),
    notYet('SubscriptionRoleArn', 'arn:aws:iam::000000000000:role/r'),
    unknown('ReplayPolicy', '{}'),
    unknown('Owner', '000000000000'),
    unknown('EffectiveDeliveryPolicy', '{}'),
    unknown('rawMessageDelivery', 'true'),
    unknown('__proto__', 'x'),
    unknown('', 'x'),
  ]
}
