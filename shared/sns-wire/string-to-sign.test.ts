import assert from 'node:assert/strict'
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { type ConfirmationFields, encodeConfirmation } from './confirmation.ts'
import { encodeNotification, type NotificationFields } from './notification.ts'
import { confirmationStringToSign, notificationStringToSign } from './string-to-sign.ts'

type Vector = { name: string; outcome: 'text'; text: string } & (
  | { kind: 'notification'; input: NotificationFields }
  | { kind: 'confirmation'; input: ConfirmationFields }
)

const vectors: Vector[] = JSON.parse(readFileSync(new URL('./vectors/string-to-sign.json', import.meta.url), 'utf8'))

suite('notificationStringToSign() and confirmationStringToSign()', () => {
  for (const vector of vectors) {
    test(`write ${vector.name}`, () => {
      assert.equal(stringToSign(vector), vector.text)
    })

    test(`sign ${vector.name} so that a subscriber who rebuilds the text from the JSON can verify it`, () => {
      const { privateKey, publicKey } = setup()
      for (const [signatureVersion, algorithm] of [
        ['1', 'RSA-SHA1'],
        ['2', 'RSA-SHA256'],
      ] as const) {
        const signature = sign(algorithm, Buffer.from(stringToSign(vector), 'utf8'), privateKey).toString('base64')
        const signed = { signatureVersion, signature, signingCertUrl: 'https://localhost/c.pem' }
        const body =
          vector.kind === 'notification'
            ? encodeNotification({ ...vector.input, ...signed, unsubscribeUrl: 'https://localhost/u', attributes: [] })
            : encodeConfirmation({ ...vector.input, ...signed })
        const received: Record<string, string> = JSON.parse(body)
        const rebuilt = Buffer.from(rebuild(received), 'utf8')
        assert.ok(verify(algorithm, rebuilt, publicKey, Buffer.from(received.Signature ?? '', 'base64')))
        const altered = Buffer.from(rebuild({ ...received, Message: 'other' }), 'utf8')
        assert.ok(!verify(algorithm, altered, publicKey, Buffer.from(signature, 'base64')))
      }
    })
  }
})

/** The documented order, read off a received message as validators do. */
function rebuild(received: Record<string, string>): string {
  const names =
    received.Type === 'Notification'
      ? ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
      : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
  return names.flatMap((name) => (received[name] === undefined ? [] : [`${name}\n${received[name]}\n`])).join('')
}

function stringToSign(vector: Vector): string {
  return vector.kind === 'notification'
    ? notificationStringToSign(vector.input)
    : confirmationStringToSign(vector.input)
}

let keys: ReturnType<typeof generate> | undefined

/** One key pair for all tests: making one takes a tenth of a second. */
function setup() {
  keys ??= generate()
  return keys
}

function generate() {
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
}
