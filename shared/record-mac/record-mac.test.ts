import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { Part } from '#shared/framing'
import { createRecordMac, createSecretRing, RecordForgedError, type RecordKind } from './index.ts'

suite('authenticate()', () => {
  test('has the frozen value for one known record', () => {
    const { recordMac } = setup()
    assert.equal(
      recordMac.authenticate('topic', ['a', undefined, Buffer.from([1])]),
      '0000000a.iZcMRna8OxWLKbLVslZRTIWh-pRVZmesjlQ7TFlYG0M',
    )
  })

  test('uses the current secret', () => {
    const { rotated } = setup()
    assert.match(rotated.authenticate('entry', []), /^0000000b\.[A-Za-z0-9_-]{43}$/)
  })
})

suite('verify()', () => {
  test('accepts what authenticate() made, for any fields', () => {
    const { recordMac } = setup()
    fc.assert(
      fc.property(anyFields, (fields) => recordMac.verify('entry', fields, recordMac.authenticate('entry', fields))),
    )
  })

  test('accepts a record of an older secret after a rotation', () => {
    const { recordMac, rotated } = setup()
    rotated.verify('topic', ['a'], recordMac.authenticate('topic', ['a']))
  })

  test('refuses a secret that left the ring', () => {
    const { recordMac, rotated } = setup()
    refuses(() => recordMac.verify('topic', ['a'], rotated.authenticate('topic', ['a'])))
  })

  test('refuses a missing MAC', () => {
    refuses(() => setup().recordMac.verify('topic', ['a'], undefined))
  })

  test('refuses another kind', () => {
    const { recordMac } = setup()
    const kinds: RecordKind[] = ['entry', 'topic', 'subscription', 'data-key']
    for (const made of kinds) {
      for (const claimed of kinds.filter((kind) => kind !== made)) {
        refuses(() => recordMac.verify(claimed, ['a'], recordMac.authenticate(made, ['a'])))
      }
    }
  })

  test('refuses other fields, another order, and an absent field for an empty one', () => {
    const { recordMac } = setup()
    const mac = recordMac.authenticate('entry', ['a', 'b', ''])
    for (const fields of [
      ['b', 'a', ''],
      ['ab', '', ''],
      ['a', 'b'],
      ['a', 'b', undefined],
      ['a', 'b', '', ''],
    ]) {
      refuses(() => recordMac.verify('entry', fields, mac))
    }
  })

  test('refuses a MAC with any one character changed, cut or added', () => {
    const { recordMac } = setup()
    const mac = recordMac.authenticate('entry', ['a'])
    for (let at = 0; at < mac.length; at++) {
      const other = mac[at] === 'A' ? 'B' : 'A'
      refuses(() => recordMac.verify('entry', ['a'], mac.slice(0, at) + other + mac.slice(at + 1)))
      refuses(() => recordMac.verify('entry', ['a'], mac.slice(0, at)))
    }
    refuses(() => recordMac.verify('entry', ['a'], `${mac}=`))
    refuses(() => recordMac.verify('entry', ['a'], `${mac.slice(0, -1)}é`))
  })

  test('refuses any text that is not the MAC with its own error', () => {
    const { recordMac } = setup()
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => refuses(() => recordMac.verify('entry', ['a'], text))),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 43, maxLength: 43 }), (text) =>
        refuses(() => recordMac.verify('entry', ['a'], `0000000a.${text}`)),
      ),
    )
  })

  test('names the kind and nothing of the record', () => {
    const { recordMac } = setup()
    assert.throws(
      () => recordMac.verify('topic', ['secret-field'], '0000000a.secret-mac'),
      (error) =>
        error instanceof RecordForgedError && error.message.includes('topic') && !error.message.includes('secret'),
    )
  })
})

suite('createRecordMac()', () => {
  test('refuses a ring that cannot give its current secret', () => {
    const ring = { currentId: '0000000a', secretOf: () => undefined }
    assert.throws(() => createRecordMac(ring), { code: 'SECRET_RING_INVALID' })
  })
})

suite('createSecretRing()', () => {
  test('refuses a current id that is not in the ring', () => {
    assert.throws(() => createSecretRing('0000000c', new Map()), { code: 'SECRET_RING_INVALID' })
  })

  test('refuses ids that are not 8 lower-case hex digits', () => {
    for (const id of ['', '0000000A', '0000000', '000000000', 'x000000a', '0000000a\n']) {
      assert.throws(() => createSecretRing(id, new Map([[id, keyOf(1)]])), { code: 'SECRET_RING_INVALID' }, id)
    }
  })

  test('does not change with the map it was made from', () => {
    const secrets = new Map([['0000000a', keyOf(1)]])
    const ring = createSecretRing('0000000a', secrets)
    secrets.clear()
    assert.ok(ring.secretOf('0000000a'))
  })
})

const anyFields = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.uint8Array().map((bytes): Part => bytes),
    fc.constant(undefined),
  ),
)

function refuses(work: () => void): void {
  assert.throws(work, { code: 'RECORD_FORGED' })
}

function keyOf(byte: number) {
  return createSecretKey(Buffer.alloc(32, byte))
}

function setup() {
  const before = new Map([['0000000a', keyOf(1)]])
  const after = new Map([...before, ['0000000b', keyOf(2)]] as const)
  return {
    recordMac: createRecordMac(createSecretRing('0000000a', before)),
    rotated: createRecordMac(createSecretRing('0000000b', after)),
  }
}
