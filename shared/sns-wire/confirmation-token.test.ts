import assert from 'node:assert/strict'
import { createHmac, createSecretKey, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { frame } from '#shared/framing'
import { confirmationToken, readConfirmationToken, type TokenSecrets } from './confirmation-token.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const MINUTE_MS = 60 * 1000
const ISSUED_AT = 1790095790380
const REFUSAL = { code: 'INVALID_PARAMETER', message: 'Invalid parameter: Token' }

interface Vector {
  name: string
  secretId: string
  secretHex: string
  topicArn: string
  subscriptionId: string
  incarnation: string
  issuedAt: number
  outcome: 'token'
  token: string
}

const vectors: Vector[] = JSON.parse(
  readFileSync(new URL('./vectors/confirmation-token.json', import.meta.url), 'utf8'),
)

suite('confirmationToken()', () => {
  for (const vector of vectors) {
    test(`has the frozen bytes of ${vector.name}`, () => {
      const ring = ringOf(vector.secretId, { [vector.secretId]: Buffer.from(vector.secretHex, 'hex') })
      assert.equal(confirmationToken({ ...vector, ring }), vector.token)
    })
  }

  test('is 288 lower-case hex digits that start as SNS’s do', () => {
    assert.match(setup().token, /^2336412f3701[0-9a-f]{276}$/)
  })

  test('carries the tag that HKDF of node:crypto gives when the secret is its extracted key', () => {
    const [inputKey, salt] = [Buffer.alloc(32, 1), Buffer.alloc(64, 2)]
    const { issue } = setup({ secret: createHmac('sha512', salt).update(inputKey).digest() })
    const token = Buffer.from(issue(), 'hex')
    const info = frame(['sealcast.token.v1', token.subarray(0, 34), TOPIC, INCARNATION])
    assert.deepEqual(token.subarray(34), Buffer.from(hkdfSync('sha512', inputKey, salt, info, 110)))
  })

  test('is the same for the same subscription and time, so that it need not be stored', () => {
    const { issue } = setup()
    assert.equal(issue(), issue())
    assert.notEqual(issue(), issue({ issuedAt: ISSUED_AT + 1 }))
  })

  test('refuses to issue without a secret, or with ids that do not fit the layout', () => {
    const { issue } = setup()
    assert.throws(() => issue({ ring: ringOf('0a0b0c0d', {}) }), RangeError)
    assert.throws(() => issue({ ring: ringOf('0a0b', { '0a0b': Buffer.alloc(32) }) }), RangeError)
    assert.throws(() => issue({ subscriptionId: 'not-a-uuid' }), RangeError)
  })
})

suite('readConfirmationToken()', () => {
  test('gives back the subscription', () => {
    const { read, token } = setup()
    assert.deepEqual(read(token), { subscriptionId: SUBSCRIPTION })
  })

  test('takes a token of an earlier secret as long as the secret is kept', () => {
    const { token, secret } = setup()
    const rotated = ringOf('0a0b0c0e', { '0a0b0c0e': Buffer.alloc(32, 9), '0a0b0c0d': secret })
    assert.deepEqual(setup({ ring: rotated }).read(token), { subscriptionId: SUBSCRIPTION })
    const dropped = ringOf('0a0b0c0e', { '0a0b0c0e': Buffer.alloc(32, 9) })
    assert.throws(() => setup({ ring: dropped }).read(token), REFUSAL)
  })

  test('refuses any other topic or incarnation', () => {
    const { read, token } = setup()
    assert.throws(() => read(token, { topicArn: `${TOPIC}s` }), REFUSAL)
    assert.throws(() => read(token, { incarnation: SUBSCRIPTION }), REFUSAL)
  })

  test('lasts two days and not a millisecond longer', () => {
    const { read, token } = setup()
    assert.ok(read(token, { now: ISSUED_AT + 2 * DAY_MS }))
    assert.throws(() => read(token, { now: ISSUED_AT + 2 * DAY_MS + 1 }), REFUSAL)
  })

  test('allows clocks to differ by a quarter of an hour', () => {
    const { read, token } = setup()
    assert.ok(read(token, { now: ISSUED_AT - 15 * MINUTE_MS }))
    assert.throws(() => read(token, { now: ISSUED_AT - 15 * MINUTE_MS - 1 }), REFUSAL)
  })

  test('refuses a token with any one digit changed', () => {
    const { read, token } = setup()
    for (let at = 0; at < token.length; at++) {
      for (const flip of [1, 2, 4, 8]) {
        const digit = (Number.parseInt(token.charAt(at), 16) ^ flip).toString(16)
        assert.throws(() => read(token.slice(0, at) + digit + token.slice(at + 1)), REFUSAL, `digit ${at}`)
      }
    }
  })

  test('refuses what has not the form of a token', () => {
    const { read, token } = setup()
    for (const text of [
      undefined,
      '',
      token.slice(1),
      `${token}0`,
      `${token}\n`,
      token.toUpperCase(),
      'g'.repeat(288),
    ]) {
      assert.throws(() => read(text), REFUSAL)
    }
  })

  test('reads what was issued and refuses any other text', () => {
    const { read, issue } = setup()
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 0, max: 2 ** 42 }), (subscriptionId, issuedAt) => {
        assert.deepEqual(read(issue({ subscriptionId, issuedAt }), { now: issuedAt }), { subscriptionId })
      }),
    )
    const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 276, maxLength: 276 })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          hex.map((rest) => `2336412f3701${rest}`),
        ),
        (text) => {
          assert.throws(() => read(text), REFUSAL)
        },
      ),
    )
  })
})

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:orders'
const SUBSCRIPTION = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
const INCARNATION = '3f2a0b1c-5d6e-4f70-8a9b-0c1d2e3f4a5b'

function setup(o: { secret?: Buffer; ring?: TokenSecrets } = {}) {
  const secret = o.secret ?? Buffer.alloc(32, 7)
  const ring = o.ring ?? ringOf('0a0b0c0d', { '0a0b0c0d': secret })
  const issue = (change: Partial<Parameters<typeof confirmationToken>[0]> = {}) =>
    confirmationToken({
      ring,
      topicArn: TOPIC,
      subscriptionId: SUBSCRIPTION,
      incarnation: INCARNATION,
      issuedAt: ISSUED_AT,
      ...change,
    })
  const read = (token: string | undefined, change: { topicArn?: string; incarnation?: string; now?: number } = {}) =>
    readConfirmationToken(token, { ring, topicArn: TOPIC, incarnation: INCARNATION, now: ISSUED_AT, ...change })
  return { secret, issue, read, token: ring.secretOf(ring.currentId) === undefined ? '' : issue() }
}

function ringOf(currentId: string, secrets: Record<string, Buffer>): TokenSecrets {
  const ring = new Map(Object.entries(secrets).map(([id, secret]) => [id, createSecretKey(secret)]))
  return { currentId, secretOf: (id) => ring.get(id) }
}
