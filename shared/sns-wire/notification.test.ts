import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type ConfirmationFields, encodeConfirmation } from './confirmation.ts'
import { encodeNotification, type SignatureFields } from './notification.ts'

type NotificationInput = Parameters<typeof encodeNotification>[0]

type Vector = { name: string; outcome: 'encoded'; text: string } & (
  | { kind: 'notification'; input: NotificationInput }
  | { kind: 'confirmation'; input: ConfirmationFields & SignatureFields }
)

const vectors: Vector[] = JSON.parse(readFileSync(new URL('./vectors/notification.json', import.meta.url), 'utf8'))

suite('encodeNotification() and encodeConfirmation()', () => {
  for (const vector of vectors) {
    test(`write ${vector.name}, to the byte`, () => {
      const text = vector.kind === 'notification' ? encodeNotification(vector.input) : encodeConfirmation(vector.input)
      assert.equal(text, vector.text)
    })
  }

  test('write JSON that gives back what went in, whatever it is', () => {
    const text = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 }).map((u) => String.fromCharCode(...u))
    const tricky = fc.string({
      unit: fc.constantFrom('"', '\\', '\b', '\f', '\n', '\r', '\t', 'b', 'u', '/', '\u007f', '😀', '\ud83d'),
    })
    const any = fc.oneof(text, tricky)
    const attribute = fc.record({ name: any, dataType: any, value: any })
    const attributes = fc.uniqueArray(attribute, { selector: ({ name }) => name, maxLength: 4 })
    fc.assert(
      fc.property(any, any, attributes, (subject, message, attributes) => {
        const parsed = JSON.parse(encodeNotification(setup({ subject, message, attributes })))
        assert.deepEqual([parsed.Subject, parsed.Message], [subject, message])
        const entries = Object.entries(parsed.MessageAttributes ?? {})
        assert.deepEqual(
          new Map(entries),
          new Map(attributes.map(({ name, dataType, value }) => [name, { Type: dataType, Value: value }])),
        )
      }),
    )
  })

  test('escape as little as JSON allows', () => {
    const message = '\\b "/é\u007f\u2028 \b\f\u0001\\\b'
    const line = encodeNotification(setup({ message })).split('\n')[4]
    assert.equal(line, `  "Message" : "\\\\b \\"/é\u007f\u2028 \\u0008\\u000c\\u0001\\\\\\u0008",`)
  })

  test('leave out what is absent, and keep an empty message', () => {
    const parsed = JSON.parse(encodeNotification(setup({ subject: undefined, message: '' })))
    assert.deepEqual(Object.keys(parsed), [
      'Type',
      'MessageId',
      'TopicArn',
      'Message',
      'Timestamp',
      'SignatureVersion',
      'Signature',
      'SigningCertURL',
      'UnsubscribeURL',
    ])
    assert.equal(parsed.Message, '')
  })
})

function setup(o: Partial<NotificationInput>): NotificationInput {
  return {
    messageId: 'm-1',
    topicArn: 'arn:aws:sns:eu-west-1:111122223333:orders',
    message: 'hi',
    acceptedAt: 0,
    signatureVersion: '1',
    signature: 'c2ln',
    signingCertUrl: 'https://localhost/c.pem',
    unsubscribeUrl: 'https://localhost/u',
    attributes: [],
    ...o,
  }
}
