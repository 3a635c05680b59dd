import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { decodeParameters } from '#shared/sns-wire'
import { requireSecureTransport } from './require-secure-transport.ts'

const SEALED = 'arn:aws:sns:us-east-1:000000000000:sealed'
const PLAIN = 'arn:aws:sns:us-east-1:000000000000:plain'
const ID = '11111111-2222-4333-8444-555555555555'

suite('requireSecureTransport()', () => {
  const refused: [string, Record<string, string>][] = [
    ['a TopicArn', { TopicArn: SEALED }],
    ['a TargetArn', { TargetArn: SEALED }],
    ['a SubscriptionArn', { SubscriptionArn: `${SEALED}:${ID}` }],
    ["a TopicArn beside another topic's SubscriptionArn", { TopicArn: SEALED, SubscriptionArn: `${PLAIN}:${ID}` }],
    ['a TopicArn beside a malformed SubscriptionArn', { TopicArn: SEALED, SubscriptionArn: 'x' }],
    ['a TargetArn beside an unsealed TopicArn', { TopicArn: PLAIN, TargetArn: SEALED }],
    ['a TargetArn beside a malformed TopicArn', { TopicArn: 'x', TargetArn: SEALED }],
  ]
  for (const [name, parameters] of refused) {
    test(`refuses a sealed topic named by ${name}`, async () => {
      await assert.rejects(check(parameters), { code: 'INVALID_SECURITY' })
    })
  }

  const passed: [string, Record<string, string>][] = [
    ['an unsealed topic', { TopicArn: PLAIN }],
    ['a topic that does not exist', { TopicArn: `${PLAIN}-gone` }],
    ['a request that names none', { Message: SEALED }],
    ['what is no ARN', { TopicArn: 'x', SubscriptionArn: '' }],
  ]
  for (const [name, parameters] of passed) {
    test(`lets ${name} pass`, async () => {
      await check(parameters)
    })
  }
})

function check(parameters: Record<string, string>): Promise<void> {
  const query = new URLSearchParams(parameters).toString()
  const topics = {
    find: async (arn: string) => {
      if (arn !== SEALED && arn !== PLAIN) return undefined
      const attributes = arn === SEALED ? { kmsMasterKeyId: 'alias/orders' } : {}
      return { arn, incarnation: 'i', owner: '000000000000', createdAt: 0, attributes }
    },
  }
  return requireSecureTransport(decodeParameters({ query, body: Buffer.of(), hasFormBody: false }), topics)
}
