import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { BrokerError } from '#shared/errors'
import { createRecordMac, createSecretRing, type RecordMac } from '#shared/record-mac'
import { decodeEntry, type Entry, encodeEntry } from './index.ts'
import vectors from './vectors/entries.json' with { type: 'json' }

suite('encodeEntry()', () => {
  test('gives the frozen fields of every accepted vector', () => {
    const { recordMac } = setup()
    for (const vector of vectors.accepted) {
      if ('readOnly' in vector) continue
      const expected = vector.fields.flatMap(([name, value]) => [String(name), fromBase64(String(value))])
      const encoded = encodeEntry(entryOf(vector.entry), recordMac).map((part, at) =>
        at % 2 === 0 ? part : Buffer.from(part),
      )
      assert.deepEqual(encoded, expected, vector.name)
    }
  })
})

suite('decodeEntry()', () => {
  test('gives an entry that keeps nothing of the reply it was read from', () => {
    const { recordMac } = setup()
    const [sealed] = vectors.accepted.filter(({ entry }) => 'sealed' in entry)
    assert.ok(sealed)
    const reply = Buffer.alloc(1_000_000)
    let at = 0
    const fields = [...fieldsOf(sealed.fields)].map(([name, value]) => {
      const part = reply.subarray(at, at + value.copy(reply, at))
      at += value.byteLength
      return [name, part] as const
    })
    const entry = decodeEntry(new Map(fields), recordMac)
    assert.notEqual(entry.body.buffer, reply.buffer)
    assert.notEqual(entry.sealed?.encryptedDataKey.buffer, reply.buffer)
  })

  test('reads every accepted vector', () => {
    const { recordMac } = setup()
    for (const vector of vectors.accepted) {
      assert.deepEqual(decodeEntry(fieldsOf(vector.fields), recordMac), entryOf(vector.entry), vector.name)
    }
  })

  test('refuses every refused vector with its code', () => {
    const { recordMac } = setup()
    assert.ok(vectors.refused.length > 30)
    for (const { name, code, fields } of vectors.refused) {
      assert.throws(() => decodeEntry(fieldsOf(fields), recordMac), { code }, name)
    }
  })

  test('gives back any entry', () => {
    const { recordMac } = setup()
    fc.assert(
      fc.property(anyEntry(), (entry) => {
        assert.deepEqual(decodeEntry(stored(encodeEntry(entry, recordMac)), recordMac), entry)
      }),
    )
  })

  test('refuses any field altered or removed', () => {
    const { recordMac } = setup()
    fc.assert(
      fc.property(anyEntry(), fc.nat(), fc.nat(), (entry, pick, flip) => {
        const fields = stored(encodeEntry(entry, recordMac))
        const names = [...fields.keys()]
        const name = names[pick % names.length] ?? ''
        const value = fields.get(name) ?? Buffer.alloc(0)
        const altered = Buffer.from(value)
        if (altered.length > 0)
          altered[flip % altered.length] = (altered[flip % altered.length] ?? 0) ^ (1 << (flip % 8))
        const changes: ((to: Map<string, Buffer>) => void)[] = [
          (to) => to.delete(name),
          (to) => to.set(name, Buffer.concat([value, Buffer.from('x')])),
          ...(altered.length > 0 ? [(to: Map<string, Buffer>) => void to.set(name, altered)] : []),
        ]
        for (const change of changes) {
          const forged = new Map(fields)
          change(forged)
          assert.throws(() => decodeEntry(forged, recordMac), BrokerError, name)
        }
      }),
    )
  })

  test('refuses a sealed entry with any one bit flipped, in a value or a name', () => {
    const { recordMac } = setup()
    const everything = vectors.accepted.find(({ name }) => name === 'sealed message with everything')
    const fields = fieldsOf(everything?.fields ?? [])
    let flips = 0
    for (const [name, value] of fields) {
      for (const altered of withBitFlips(value)) {
        assert.throws(() => decodeEntry(new Map([...fields, [name, altered]]), recordMac), BrokerError, name)
        flips++
      }
      for (const altered of withBitFlips(Buffer.from(name))) {
        const renamed = new Map(fields)
        renamed.delete(name)
        renamed.set(String(altered), value)
        assert.throws(() => decodeEntry(renamed, recordMac), BrokerError, `${name} as ${altered}`)
        flips++
      }
    }
    assert.ok(flips > 3_500, `${flips} flips`)
  })

  test('leaves the encrypted data key of an older entry to whoever opens it', () => {
    const { recordMac } = setup()
    const older = vectors.accepted.find((vector) => 'readOnly' in vector)
    const fields = fieldsOf(older?.fields ?? [])
      .set('edk', Buffer.from('other'))
      .set('key', Buffer.from('arn:other'))
    assert.deepEqual(decodeEntry(fields, recordMac).sealed, {
      encryptedDataKey: Buffer.from('other'),
      keyArn: 'arn:other',
    })
  })

  test('answers any fields with an entry or a broker error, even well authenticated ones', () => {
    const { recordMac } = setup()
    const trusting: RecordMac = { authenticate: recordMac.authenticate, verify: () => undefined }
    const value = fc.oneof(
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom('1', '2', 'message', 'confirmation', 'subscribe', '[]', '[["a","b","c"]]', '[[1]]', 'null')
        .map((text) => Buffer.from(text)),
    )
    const names =
      'kind topic incarnation id principal at subject attributes subscription purpose sealed body edk key'.split(' ')
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value), (random) => {
        const fields = new Map([['v', Buffer.from('1')], ...Object.entries(random)])
        try {
          decodeEntry(fields, trusting)
        } catch (error) {
          assert.ok(error instanceof BrokerError && error.code === 'ENTRY_MALFORMED')
        }
      }),
      { numRuns: 500 },
    )
  })
})

function anyEntry(): fc.Arbitrary<Entry> {
  const text = fc.string({ unit: 'grapheme', maxLength: 12 })
  const bytes = fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value))
  const attribute = fc.record({ name: text, dataType: text, value: text }, { noNullPrototype: true })
  const common = fc.record(
    {
      topicArn: text,
      incarnation: text,
      messageId: fc.uuid(),
      principal: text,
      acceptedAt: fc.nat(),
      attributes: fc.array(attribute, { maxLength: 3 }),
      body: bytes,
      subject: text,
      structure: text,
      groupId: text,
      deduplicationId: text,
      sealed: fc.record({ encryptedDataKey: bytes, keyArn: text }, { noNullPrototype: true }),
    },
    {
      noNullPrototype: true,
      requiredKeys: ['topicArn', 'incarnation', 'messageId', 'principal', 'acceptedAt', 'attributes', 'body'],
    },
  )
  const confirmation = fc.record(
    { subscriptionId: fc.uuid(), purpose: fc.constantFrom('subscribe' as const, 'unsubscribe' as const) },
    { noNullPrototype: true },
  )
  return fc.oneof(
    common.map((entry) => ({ ...entry, kind: 'message' as const })),
    fc
      .tuple(common, confirmation)
      .map(([entry, of]) => ({ ...entry, kind: 'confirmation' as const, confirmation: of })),
  )
}

function* withBitFlips(bytes: Buffer): Generator<Buffer> {
  for (let bit = 0; bit < bytes.byteLength * 8; bit++) {
    const altered = Buffer.from(bytes)
    altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    yield altered
  }
}

type StoredEntry = (typeof vectors.accepted)[number]['entry']

function entryOf(vector: StoredEntry): Entry {
  const { sealed, ...rest } = { sealed: undefined, ...vector }
  const entry = {
    ...rest,
    body: fromBase64(vector.body),
    ...(sealed === undefined
      ? {}
      : {
          sealed: {
            ...(sealed as { keyArn: string }),
            encryptedDataKey: fromBase64((sealed as { encryptedDataKey: string }).encryptedDataKey),
          },
        }),
  }
  return entry as Entry
}

function fieldsOf(vector: string[][]): Map<string, Buffer> {
  return new Map(vector.map(([name, value]) => [String(name), fromBase64(String(value))]))
}

/** What Redis gives back for what XADD was given. */
function stored(parts: (string | Buffer)[]): Map<string, Buffer> {
  const fields = new Map<string, Buffer>()
  for (let at = 0; at < parts.length; at += 2) fields.set(String(parts[at]), Buffer.from(parts[at + 1] ?? ''))
  return fields
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text, 'base64')
}

function setup(): { recordMac: RecordMac } {
  const { id, value } = vectors.secret
  return { recordMac: createRecordMac(createSecretRing(id, new Map([[id, createSecretKey(fromBase64(value))]]))) }
}
