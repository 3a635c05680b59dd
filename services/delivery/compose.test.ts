import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import type { Subscription, Topic } from '#shared/catalog'
import { createSecretRing } from '#shared/record-mac'
import type { Entry } from '#shared/stream-log'
import { createCompose, type OutgoingRequest } from './compose.ts'
import { indexRecipients, recipientsOf } from './recipients.ts'

const ARN = 'arn:aws:sns:us-east-1:000000000000:orders'
const TOPIC: Topic = { arn: ARN, incarnation: 'a'.repeat(32), owner: '000000000000', createdAt: 0, attributes: {} }

suite('createCompose()', () => {
  test('signs nothing that is sent raw', async () => {
    const { send, signed } = setup()
    const requests = await send('words', [{ rawMessageDelivery: true }, { rawMessageDelivery: true, protocol: 'http' }])
    assert.deepEqual(
      requests.map(({ body }) => body),
      ['words', 'words'],
    )
    assert.deepEqual(signed, [])
  })

  test('signs a text once, for however many', async () => {
    const { send, signed } = setup()
    const requests = await send('words', [{}, {}, { protocol: 'http' }, { rawMessageDelivery: true }])
    assert.equal(signed.length, 1)
    assert.deepEqual(requests.map(signatureOf), ['signature 0', 'signature 0', 'signature 0', undefined])
  })

  test('signs each text of a message with several, and none that nobody is sent signed', async () => {
    const texts = JSON.stringify({ default: 'd', http: 'h', https: 's' })
    const { send, signed } = setup({ structure: 'json' })
    const requests = await send(texts, [{}, { protocol: 'http' }, {}, { protocol: 'http', rawMessageDelivery: true }])
    assert.deepEqual(requests.map(messageOf), ['s', 'h', 's', undefined])
    assert.deepEqual(requests.map(signatureOf), ['signature 0', 'signature 1', 'signature 0', undefined])
    assert.equal(requests[3]?.body, 'h')
    await send(texts, [{ rawMessageDelivery: true }, { protocol: 'http' }])
    assert.equal(signed.length, 3)
  })
})

function setup(more: Partial<Entry> = {}) {
  const signed: string[] = []
  const secrets = new Map([['01234567', createSecretKey(Buffer.alloc(32, 1))]])
  const compose = createCompose({
    openBody: async ({ body }) => body.toString(),
    sign: async (_version, text) => `signature ${signed.push(text) - 1}`,
    certificateId: '0'.repeat(32),
    tokenSecrets: createSecretRing('01234567', secrets),
    baseUrl: 'https://broker.test',
  })
  return {
    signed,
    /** What each of some subscriptions is sent. */
    async send(text: string, subscriptions: readonly Partial<Subscription>[]): Promise<OutgoingRequest[]> {
      const entry: Entry = { ...MESSAGE, body: Buffer.from(text), ...more }
      const all = subscriptions.map((one, n): Subscription => ({ ...SUBSCRIPTION, id: `${n}`, ...one }))
      const recipients = recipientsOf(entry, indexRecipients(all, TOPIC), 0)
      const outgoing = await compose(entry, TOPIC, recipients)
      return Promise.all(recipients.map(outgoing))
    },
  }
}

const MESSAGE: Entry = {
  kind: 'message',
  topicArn: ARN,
  incarnation: TOPIC.incarnation,
  messageId: '00000000-0000-4000-8000-000000000001',
  principal: 'arn:aws:iam::000000000000:user/publisher',
  acceptedAt: 1,
  attributes: [],
  body: Buffer.alloc(0),
}

const SUBSCRIPTION: Subscription = {
  id: '',
  topicArn: ARN,
  incarnation: TOPIC.incarnation,
  protocol: 'https',
  endpoint: 'https://example.com/hook',
  owner: '000000000000',
  principal: 'arn:aws:iam::000000000000:user/u',
  state: 'confirmed',
  confirmationWasAuthenticated: false,
  createdAt: 0,
}

function signatureOf({ body }: OutgoingRequest): string | undefined {
  return body.startsWith('{') ? JSON.parse(body).Signature : undefined
}

function messageOf({ body }: OutgoingRequest): string | undefined {
  return body.startsWith('{') ? JSON.parse(body).Message : undefined
}
