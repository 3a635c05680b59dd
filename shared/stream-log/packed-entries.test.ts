import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { unpackEntries } from './packed-entries.ts'

suite('unpackEntries()', () => {
  test('gives ids and fields back, byte for byte, whatever their lengths', () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 20 }), (entries) => {
        const packed = pack(entries.map(({ id, fields }) => [id, fields.flat()]))
        assert.deepEqual(
          unpackEntries(packed),
          entries.map(({ id, fields }) => ({ streamId: id, fields: new Map(fields) })),
        )
      }),
    )
  })

  for (const length of [31, 32, 255, 256, 65_535, 65_536]) {
    test(`reads a value of ${length} bytes`, () => {
      const value = Buffer.alloc(length, 7)
      const [entry] = unpackEntries(pack([['1-0', ['body', value]]]))
      assert.deepEqual(entry?.fields.get('body'), value)
    })
  }

  for (const count of [0, 15, 16, 65_535, 65_536]) {
    test(`reads ${count} entries`, () => {
      assert.equal(unpackEntries(pack(Array.from({ length: count }, () => ['1-0', []]))).length, count)
    })
  }

  test('reads each name by its own bytes, whatever stood in its place before', () => {
    for (const [before, bytes, name] of [
      ['body', Buffer.from('bodz'), 'bodz'],
      ['body', Buffer.from('bod'), 'bod'],
      ['body', Buffer.from('body2'), 'body2'],
      ['', Buffer.from('a'), 'a'],
      ['a', Buffer.from(''), ''],
      // Not UTF-8, though its one byte has the value of the character.
      ['é', Buffer.of(0xe9), '\ufffd'],
      ['Ł', Buffer.from('A'), 'A'],
    ] as const) {
      const value = Buffer.from('value')
      const entries = unpackEntries(pack([before, bytes].map((one) => ['1-0', [one, value]])))
      assert.deepEqual(
        entries.map(({ fields }) => [...fields.keys()]),
        [[before], [name]],
      )
    }
  })

  test('refuses a reply cut at any byte, and one with a byte more', () => {
    const packed = pack([['1-0', ['v', Buffer.from('1')]]])
    for (let end = 0; end < packed.byteLength; end++) refuses(packed.subarray(0, end))
    refuses(Buffer.concat([packed, Buffer.of(0)]))
  })

  test('refuses whatever is no list of entries with a TypeError', () => {
    const anything = fc.oneof(fc.anything(), fc.uint8Array({ maxLength: 64 }).map(Buffer.from))
    fc.assert(
      fc.property(anything, (reply) => {
        try {
          unpackEntries(reply)
        } catch (error) {
          assert.ok(error instanceof TypeError)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('refuses fields without a value, and entries of another shape', () => {
    for (const shape of [
      [['1-0', ['v']]],
      [['1-0']],
      [['1-0', [], '2']],
      ['1-0', []],
      [[['1-0'], []]],
      [['1-0', 'v']],
    ]) {
      refuses(pack(shape))
    }
  })

  test('does not make room for what a forged length promises', () => {
    refuses(Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff))
    refuses(Buffer.of(0x91, 0x92, 0xdb, 0xff, 0xff, 0xff, 0xff))
  })
})

type Packable = string | Buffer | readonly Packable[]

const anyEntry = fc.record({
  id: fc.stringMatching(/^\d{1,13}-\d{1,3}$/),
  fields: fc.uniqueArray(
    fc.tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.uint8Array({ maxLength: 400 }).map(Buffer.from)),
    { selector: ([name]) => name, maxLength: 20 },
  ),
})

/** MessagePack as Redis's cmsgpack writes it. */
function pack(value: Packable): Buffer {
  if (Array.isArray(value)) return Buffer.concat([packLength(value.length, 0x90, 15, [0xdc, 0xdd]), ...value.map(pack)])
  const bytes = Buffer.from(value as string | Buffer)
  const head =
    bytes.byteLength > 31 && bytes.byteLength < 256
      ? Buffer.of(0xd9, bytes.byteLength)
      : packLength(bytes.byteLength, 0xa0, 31, [0xda, 0xdb])
  return Buffer.concat([head, bytes])
}

function packLength(length: number, short: number, shortest: number, [two, four]: [number, number]): Buffer {
  if (length <= shortest) return Buffer.of(short | length)
  const head = Buffer.alloc(length < 65_536 ? 3 : 5)
  head[0] = length < 65_536 ? two : four
  head.writeUIntBE(length, 1, head.byteLength - 1)
  return head
}

function refuses(reply: Buffer): void {
  assert.throws(() => unpackEntries(reply), TypeError)
}
