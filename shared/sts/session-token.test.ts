import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createSecretRing } from '#shared/record-mac'
import type { Session } from './session.ts'
import { MAX_TOKEN_CHARACTERS, openSession, sealSession } from './session-token.ts'

const REFUSAL = { code: 'INVALID_CLIENT_TOKEN_ID', message: 'The security token included in the request is invalid' }

suite('openSession()', () => {
  test('gives back every session that was sealed', () => {
    const { ring } = setup()
    fc.assert(
      fc.property(anySession, (session) => {
        assert.deepEqual(openSession(sealSession(session, ring), session.accessKeyId, ring), session)
      }),
    )
  })

  test('refuses a token with any one bit flipped', () => {
    const { ring, session } = setup()
    const bytes = Buffer.from(sealSession(session, ring), 'base64')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const forged = Buffer.from(bytes)
      forged.writeUInt8(forged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      assert.throws(() => openSession(forged.toString('base64'), session.accessKeyId, ring), REFUSAL, `bit ${bit}`)
    }
  })

  test('refuses a token with any one character replaced, taken away or put in', () => {
    const { ring, session } = setup()
    const token = sealSession(session, ring)
    fc.assert(
      fc.property(fc.nat(token.length), fc.nat(2), fc.string({ minLength: 1, maxLength: 2 }), (at, cut, put) => {
        const altered = token.slice(0, at) + put + token.slice(at + cut)
        fc.pre(altered !== token)
        assert.throws(() => openSession(altered, session.accessKeyId, ring), REFUSAL)
      }),
    )
  })

  test('refuses every beginning and every end of a token', () => {
    const { ring, session } = setup()
    const token = sealSession(session, ring)
    for (let at = 1; at <= token.length; at++) {
      assert.throws(() => openSession(token.slice(0, -at), session.accessKeyId, ring), REFUSAL)
      assert.throws(() => openSession(token.slice(at), session.accessKeyId, ring), REFUSAL)
    }
  })

  test('refuses a token of one session with the access key of another', () => {
    const { ring, session } = setup()
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (accessKeyId) => {
        fc.pre(accessKeyId !== session.accessKeyId)
        assert.throws(() => openSession(sealSession(session, ring), accessKeyId, ring), REFUSAL)
      }),
    )
  })

  test('refuses parts of two tokens put together', () => {
    const { ring, session } = setup()
    const one = Buffer.from(sealSession(session, ring), 'base64')
    const other = Buffer.from(sealSession({ ...session, sessionName: 'eve' }, ring), 'base64')
    for (const at of [6, 17, 18, 60, one.length - 16]) {
      const mixed = Buffer.concat([one.subarray(0, at), other.subarray(at)])
      assert.throws(() => openSession(mixed.toString('base64'), session.accessKeyId, ring), REFUSAL, String(at))
    }
  })

  test('refuses anything made up', () => {
    const { ring, session } = setup()
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.base64String(),
      // Right at the beginning: version and id of a secret.
      fc.uint8Array({ minLength: 28, maxLength: 400 }).map((bytes) => {
        return Buffer.concat([Buffer.from('010000000a', 'hex'), bytes]).toString('base64')
      }),
    )
    fc.assert(
      fc.property(texts, (text) => {
        assert.throws(() => openSession(text, session.accessKeyId, ring), REFUSAL)
      }),
    )
    assert.throws(() => openSession('A'.repeat(1_000_000), session.accessKeyId, ring), REFUSAL)
  })

  test('refuses base64 that is not in its canonical form', () => {
    const { ring, session } = setup()
    const token = sealSession(session, ring)
    const others = [
      `${token}=`,
      `${token}\n`,
      ` ${token}`,
      token.replace(/=+$/, '') === token ? `${token}A` : token.replace(/=+$/, ''),
      Buffer.from(token, 'base64').toString('base64url'),
    ].filter((other) => other !== token)
    assert.ok(others.length >= 4)
    for (const other of others) assert.throws(() => openSession(other, session.accessKeyId, ring), REFUSAL)
  })

  test('opens under an earlier secret of the ring, and not under one that was taken out', () => {
    const { ring, rotated, replaced, session } = setup()
    const token = sealSession(session, ring)
    assert.deepEqual(openSession(token, session.accessKeyId, rotated), session)
    assert.throws(() => openSession(token, session.accessKeyId, replaced), REFUSAL)
  })

  test('opens a token of version 1 as it was made once', () => {
    const { ring } = setup()
    const session = openSession(FROZEN, 'ASIAAAAAAAAAAAAAAAAA', ring)
    assert.equal(session.roleArn, 'arn:aws:iam::000000000000:role/team/publisher')
    assert.equal(session.expiresAt, 1_767_229_200)
  })
})

suite('sealSession()', () => {
  test('shows nothing of the session in the token, and never gives the same token twice', () => {
    const { ring, session } = setup()
    const token = sealSession(session, ring)
    assert.notEqual(token, sealSession(session, ring))
    const bytes = Buffer.from(token, 'base64').toString('latin1')
    for (const text of [session.roleArn, session.sessionName, session.secretAccessKey, session.accessKeyId]) {
      assert.ok(!token.includes(text) && !bytes.includes(text))
    }
  })

  test('refuses to make a token that no header takes', () => {
    const { ring, session } = setup()
    assert.ok(sealSession({ ...session, sessionPolicy: ' '.repeat(4_000) }, ring).length < MAX_TOKEN_CHARACTERS)
    assert.throws(() => sealSession({ ...session, sessionPolicy: ' '.repeat(6_000) }, ring), RangeError)
  })
})

const FROZEN =
  'AQAAAAqUJoOV0PMKuMBiVkqaWRGJDtF5YKKJIz+U7P299oGVdZqV4mIa8J0qBoIxZtDj0wPgm7xRO5U0PZa52PMSnc' +
  'w/qaV8TJ4/56upCDEg6IPeeett7myQVqlCRbKQUof66YRU6Ntq21jl7cbSEcPrZpp2RPo8wtWCEGDDFa/yQHEibnjk' +
  'VNd8Dic06Vu2MB30COMltjwc2xGL5AEEzgXXKR0D4yG5Sw+/N7iNT14hfwSEmDdhY/AJtNhCu/v1sb4v0fu5CQ2MV1' +
  '9mAaErzoqKw3/3vz/12OVLDKcXFYYYm+7z9DV/LSkJK0XhLsPmJE1Dk4VSupHMgk1OBZXxLn3a+mo3Mjq3Bw=='

const anySession: fc.Arbitrary<Session> = fc.record(
  {
    accessKeyId: fc.string({ minLength: 1 }),
    secretAccessKey: fc.string(),
    roleArn: fc.string(),
    roleId: fc.string(),
    sessionName: fc.string(),
    issuedAt: fc.nat(),
    expiresAt: fc.nat(),
    tags: fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { noNullPrototype: true }),
    transitiveTagKeys: fc.array(fc.string()),
    sessionPolicy: fc.string({ unit: 'grapheme' }),
    sourceIdentity: fc.string(),
  },
  {
    requiredKeys: [
      'accessKeyId',
      'secretAccessKey',
      'roleArn',
      'roleId',
      'sessionName',
      'issuedAt',
      'expiresAt',
      'tags',
      'transitiveTagKeys',
    ],
    noNullPrototype: true,
  },
)

function setup() {
  const first = createSecretKey(Buffer.alloc(32, 1))
  const second = createSecretKey(Buffer.alloc(32, 2))
  const session: Session = {
    accessKeyId: 'ASIAAAAAAAAAAAAAAAAA',
    secretAccessKey: 'a-secret-of-a-session',
    roleArn: 'arn:aws:iam::000000000000:role/team/publisher',
    roleId: 'AROAAAAAAAAAAAAAAAAAA',
    sessionName: 'ada-at-work',
    issuedAt: 1_767_225_600,
    expiresAt: 1_767_229_200,
    tags: { team: 'billing' },
    transitiveTagKeys: ['team'],
  }
  return {
    session,
    ring: createSecretRing('0000000a', new Map([['0000000a', first]])),
    rotated: createSecretRing(
      '0000000b',
      new Map([
        ['0000000a', first],
        ['0000000b', second],
      ]),
    ),
    replaced: createSecretRing('0000000b', new Map([['0000000b', second]])),
  }
}
