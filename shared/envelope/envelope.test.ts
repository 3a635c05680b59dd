import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { BrokerError } from '#shared/errors'
import { deriveDataKey, type EnvelopeContext, type MessageHeader, open, readDataKeyId, seal } from './index.ts'

suite('seal()', () => {
  test('gives an envelope that opens to the body, for any body and context', () => {
    const { dataKey } = setup()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), anyContext, (body, context) => {
        assert.deepEqual(open(seal(body, { dataKey, context }), { dataKey, context }), Buffer.from(body))
      }),
    )
  })

  test('adds exactly 80 bytes', () => {
    const { dataKey, context } = setup()
    for (const bytes of [0, 1, 15, 16, 17, 262_144]) {
      assert.equal(seal(Buffer.alloc(bytes, 'x'), { dataKey, context }).byteLength, bytes + 80)
    }
  })

  test('never shows the body', () => {
    const { dataKey, context } = setup()
    const body = Buffer.from('plaintext that must not rest anywhere')
    assert.equal(seal(body, { dataKey, context }).includes(body.subarray(0, 8)), false)
  })

  test('never uses a nonce twice, over several fills of its pool', () => {
    const { dataKey, context } = setup()
    const nonces = new Set<string>()
    for (let count = 0; count < 2_000; count++) {
      nonces.add(seal(Buffer.alloc(0), { dataKey, context }).subarray(52, 64).toString('hex'))
    }
    assert.equal(nonces.size, 2_000)
  })

  test('leaves body and data key as they were', () => {
    const { dataKey, context, body } = setup()
    const before = Buffer.from(body)
    seal(body, { dataKey, context })
    assert.deepEqual(body, before)
  })
})

suite('open()', () => {
  test('refuses an envelope with any one byte flipped', () => {
    const { dataKey, context, envelope } = setup()
    for (let at = 0; at < envelope.byteLength; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        assert.throws(() => open(flip(envelope, at, mask), { dataKey, context }), BrokerError, `byte ${at}`)
      }
    }
  })

  test('refuses an envelope cut short or made longer anywhere', () => {
    const { dataKey, context, envelope } = setup()
    for (let at = 0; at < envelope.byteLength; at++) {
      const cut = Buffer.concat([envelope.subarray(0, at), envelope.subarray(at + 1)])
      const grown = Buffer.concat([envelope.subarray(0, at), Buffer.from([0]), envelope.subarray(at)])
      assert.throws(() => open(envelope.subarray(0, at), { dataKey, context }), BrokerError, `truncated at ${at}`)
      assert.throws(() => open(cut, { dataKey, context }), BrokerError, `byte ${at} removed`)
      assert.throws(() => open(grown, { dataKey, context }), BrokerError, `byte added at ${at}`)
    }
  })

  test('refuses every other context', () => {
    const { dataKey } = setup()
    fc.assert(
      fc.property(anyContext, anyContext, (context, other) => {
        fc.pre(!sameContext(context, other))
        const envelope = seal(Buffer.from('body'), { dataKey, context })
        assert.throws(() => open(envelope, { dataKey, context: other }), { code: 'ENVELOPE_AUTHENTICATION_FAILED' })
      }),
    )
  })

  test('refuses a context of which any one field changed', () => {
    const { dataKey } = setup()
    fc.assert(
      fc.property(anyContext, (context) => {
        const envelope = seal(Buffer.from('body'), { dataKey, context })
        for (const [field, changed] of changesOf(context)) {
          assert.throws(
            () => open(envelope, { dataKey, context: changed }),
            { code: 'ENVELOPE_AUTHENTICATION_FAILED' },
            field,
          )
        }
      }),
    )
  })

  test('refuses text moved from one field to its neighbour', () => {
    const { dataKey, context } = setup()
    const envelope = seal(Buffer.from('body'), { dataKey, context: { ...context, topicArn: 'ab', messageId: 'c' } })
    assert.throws(() => open(envelope, { dataKey, context: { ...context, topicArn: 'a', messageId: 'bc' } }), {
      code: 'ENVELOPE_AUTHENTICATION_FAILED',
    })
  })

  test('refuses another data key of the same id, also when its commitment is written into the envelope', () => {
    const { dataKey, context, envelope } = setup()
    const other = deriveDataKey(dataKey.id, Buffer.alloc(32, 9))
    const relabelled = Buffer.from(envelope)
    relabelled.set(other.commitment, 20)
    for (const tried of [envelope, relabelled]) {
      assert.throws(() => open(tried, { dataKey: other, context }), { code: 'ENVELOPE_AUTHENTICATION_FAILED' })
    }
    assert.throws(() => open(relabelled, { dataKey, context }), { code: 'ENVELOPE_AUTHENTICATION_FAILED' })
  })

  test('gives the same error, without a cause, for a wrong key, a wrong context and altered bytes', () => {
    const { dataKey, context, envelope } = setup()
    const other = deriveDataKey(dataKey.id, Buffer.alloc(32, 9))
    const failures = [
      () => open(envelope, { dataKey: other, context }),
      () => open(envelope, { dataKey, context: { ...context, topicArn: 'other' } }),
      () => open(flip(envelope, 20, 1), { dataKey, context }),
      () => open(flip(envelope, envelope.byteLength - 1, 1), { dataKey, context }),
    ]
    const seen = new Set(failures.map((failure) => seenBy(failure)))
    assert.equal(seen.size, 1, [...seen].join('\n'))
  })

  test('throws only its own errors for arbitrary bytes', () => {
    const { dataKey, context } = setup()
    fc.assert(
      fc.property(anyEnvelope, (bytes) => {
        assert.throws(() => open(bytes, { dataKey, context }), BrokerError)
      }),
    )
  })

  test('reads an envelope that is a view into a larger buffer', () => {
    const { dataKey, context, envelope, body } = setup()
    const large = new Uint8Array(envelope.byteLength + 20)
    large.set(envelope, 7)
    assert.deepEqual(open(large.subarray(7, 7 + envelope.byteLength), { dataKey, context }), body)
  })
})

suite('readDataKeyId()', () => {
  test('returns the id of the data key that sealed, as a copy', () => {
    const { dataKey, envelope } = setup()
    const id = readDataKeyId(envelope)
    envelope.fill(0)
    assert.deepEqual(id, dataKey.id)
  })

  test('returns 16 bytes or throws its own error, for arbitrary bytes', () => {
    fc.assert(
      fc.property(anyEnvelope, (bytes) => {
        try {
          assert.equal(readDataKeyId(bytes).byteLength, 16)
        } catch (error) {
          assert.ok(error instanceof BrokerError && error.code === 'ENVELOPE_MALFORMED', String(error))
        }
      }),
    )
  })
})

suite('deriveDataKey()', () => {
  test('gives an encryption key that is neither the data key nor the commitment', () => {
    const plaintext = Buffer.alloc(32, 7)
    const dataKey = deriveDataKey(Buffer.alloc(16, 1), plaintext)
    const key = dataKey.encryptionKey.export()
    assert.equal(key.byteLength, 32)
    assert.equal(key.equals(plaintext), false)
    assert.equal(key.equals(dataKey.commitment), false)
  })

  test('gives another key and another commitment for another id', () => {
    const [one, two] = [1, 2].map((byte) => deriveDataKey(Buffer.alloc(16, byte), Buffer.alloc(32, 7)))
    assert.ok(one && two)
    assert.equal(one.encryptionKey.equals(two.encryptionKey), false)
    assert.equal(one.commitment.equals(two.commitment), false)
  })

  test('does not keep the buffers it was given: they may be zeroed at once', () => {
    const { dataKey: kept, context, envelope, body } = setup()
    const id = Buffer.from(kept.id)
    const plaintext = Buffer.alloc(32, 7)
    const dataKey = deriveDataKey(id, plaintext)
    id.fill(0)
    plaintext.fill(0)
    assert.deepEqual(open(envelope, { dataKey, context }), body)
  })

  test('refuses an id or a key of another length', () => {
    for (const [id, key] of [
      [15, 32],
      [17, 32],
      [16, 31],
      [16, 33],
      [0, 0],
    ] as const) {
      assert.throws(() => deriveDataKey(Buffer.alloc(id), Buffer.alloc(key)), { code: 'DATA_KEY_MALFORMED' })
    }
  })

  test('shows no key material when a data key is printed or serialised', () => {
    const { dataKey } = setup()
    const key = dataKey.encryptionKey.export()
    for (const shown of [JSON.stringify(dataKey), String(dataKey.encryptionKey)]) {
      assert.equal(shown.includes(key.toString('hex')) || shown.includes(key.toString('base64')), false)
    }
  })
})

const text = fc.string({ unit: 'binary', maxLength: 12 })
const optional = fc.option(text, { nil: undefined })

const anyContext: fc.Arbitrary<EnvelopeContext> = fc.record({
  topicArn: text,
  messageId: text,
  principal: text,
  header: fc
    .record({
      subject: optional,
      structure: optional,
      groupId: optional,
      deduplicationId: optional,
      acceptedAt: fc.maxSafeNat(),
      attributes: fc.array(fc.record({ name: text, dataType: text, value: text }), { maxLength: 3 }),
    })
    .map(withoutAbsent),
})

/** Random bytes, and such that begin as an envelope does, so that the cipher is reached too. */
const anyEnvelope = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.concat([Buffer.from('5343', 'hex'), bytes])),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.concat([Buffer.from('53430101', 'hex'), bytes])),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => {
    const { dataKey } = setup()
    return Buffer.concat([Buffer.from('53430101', 'hex'), dataKey.id, dataKey.commitment, bytes])
  }),
)

function* changesOf(context: EnvelopeContext): Generator<[field: string, changed: EnvelopeContext]> {
  for (const field of ['topicArn', 'messageId', 'principal'] as const) {
    yield [field, { ...context, [field]: `${context[field]}x` }]
  }
  const { header } = context
  const change = (changed: Partial<MessageHeader>) => ({ ...context, header: { ...header, ...changed } })
  for (const field of ['subject', 'structure', 'groupId', 'deduplicationId'] as const) {
    yield [field, change({ [field]: `${header[field] ?? ''}x` })]
    const { [field]: value, ...rest } = header
    // Absent and empty are two things.
    yield [`${field} absent`, { ...context, header: value === undefined ? { ...rest, [field]: '' } : rest }]
  }
  yield ['acceptedAt', change({ acceptedAt: header.acceptedAt === 0 ? 1 : header.acceptedAt - 1 })]
  const { attributes } = header
  yield ['one attribute more', change({ attributes: [...attributes, { name: '', dataType: '', value: '' }] })]
  if (attributes.length > 0) yield ['one attribute less', change({ attributes: attributes.slice(1) })]
  for (const [at, attribute] of attributes.entries()) {
    for (const field of ['name', 'dataType', 'value'] as const) {
      const changed = { ...attribute, [field]: `${attribute[field]}x` }
      yield [`attribute ${field}`, change({ attributes: attributes.with(at, changed) })]
    }
  }
}

function withoutAbsent(header: { [K in keyof MessageHeader]: MessageHeader[K] | undefined }): MessageHeader {
  return Object.fromEntries(
    Object.entries(header).filter(([, value]) => value !== undefined),
  ) as unknown as MessageHeader
}

function sameContext(a: EnvelopeContext, b: EnvelopeContext): boolean {
  try {
    assert.deepEqual(a, b)
    return true
  } catch {
    return false
  }
}

function seenBy(failure: () => unknown): string {
  try {
    failure()
  } catch (error) {
    if (error instanceof BrokerError)
      return JSON.stringify([error.name, error.code, error.message, error.cause ?? null])
  }
  return 'no refusal'
}

function flip(bytes: Buffer, at: number, mask: number): Buffer {
  const flipped = Buffer.from(bytes)
  flipped[at] = (flipped[at] ?? 0) ^ mask
  return flipped
}

function setup() {
  const dataKey = deriveDataKey(Buffer.alloc(16, 1), Buffer.alloc(32, 7))
  const context: EnvelopeContext = {
    topicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
    messageId: '7a1c2f64-3d0e-4b7a-9a51-0f2f6a1b9c3d',
    principal: 'arn:aws:iam::000000000000:user/alice',
    header: { subject: 'Order', attributes: [{ name: 'n', dataType: 'Number', value: '1' }], acceptedAt: 1 },
  }
  const body = Buffer.from('{"order":1001}')
  return { dataKey, context, body, envelope: seal(body, { dataKey, context }) }
}
