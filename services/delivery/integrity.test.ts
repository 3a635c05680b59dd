/**
 * What the envelope is worth by itself: if the entry's MAC could be forged, nothing that the body was sealed with
 * could be altered all the same, and no data key but its own would open it.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { createOpeningKeys } from '#shared/data-keys'
import { type DataKey, deriveDataKey, type EnvelopeContext, seal } from '#shared/envelope'
import { KmsIntegrityError } from '#shared/kms-client'
import type { RecordMac } from '#shared/record-mac'
import { decodeEntry, type Entry, encodeEntry } from '#shared/stream-log'
import { decideError } from './decide-settlement.ts'
import { createOpenBody } from './open.ts'

const BOUND = [
  'body',
  'topic',
  'id',
  'principal',
  'at',
  'subject',
  'attributes',
  'structure',
  'group',
  'dedup',
] as const
const COMMITMENT_AT = 20
const COMMITMENT_BYTES = 32

suite('an entry whose MAC somebody could forge', () => {
  test('opens as it was sealed', async () => {
    const { fate, fields } = setup()
    assert.equal(await fate(fields), 'delivered')
  })

  test('is quarantined for any one bit of its envelope and of what is bound to it', async () => {
    const { fate, fields } = setup()
    let flips = 0
    for (const name of BOUND) {
      const value = fields.get(name) ?? Buffer.of()
      for (let bit = 0; bit < value.byteLength * 8; bit++) {
        const altered = Buffer.from(value)
        altered.writeUInt8(altered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        assert.equal(await fate(new Map([...fields, [name, altered]])), 'quarantine', `${name}, bit ${bit}`)
        flips++
      }
    }
    assert.ok(flips > 1_900, `${flips} flips`)
  })

  test('is quarantined with a data key that the attacker knows, however he seals under it', async () => {
    const { fate, fields, own, known, sealUnder } = setup()
    const underKnown = sealUnder(deriveDataKey(own.dataKey.id, known.plaintext))
    const committedToOwn = Buffer.from(underKnown)
    committedToOwn.set(own.dataKey.commitment, COMMITMENT_AT)
    const committedToKnown = Buffer.from(sealUnder(own.dataKey))
    committedToKnown.set(underKnown.subarray(COMMITMENT_AT, COMMITMENT_AT + COMMITMENT_BYTES), COMMITMENT_AT)
    const attempts: [name: string, changed: Record<string, Buffer>][] = [
      ['encrypted data key alone', { edk: known.edk }],
      ['envelope alone', { body: underKnown }],
      ['envelope that commits to the genuine key', { body: committedToOwn }],
      ['envelope that commits to the genuine key, and encrypted data key', { body: committedToOwn, edk: known.edk }],
      ['commitment alone', { body: committedToKnown }],
      ['commitment and encrypted data key', { body: committedToKnown, edk: known.edk }],
    ]
    for (const [name, changed] of attempts)
      assert.equal(await fate(new Map([...fields, ...Object.entries(changed)])), 'quarantine', name)
  })
})

/** A KMS that opens two data keys for the topic: the entry's own, and one that the attacker knows. */
function setup() {
  const plaintext = randomBytes(32)
  const own = { edk: randomBytes(100), plaintext, dataKey: deriveDataKey(randomBytes(16), plaintext) }
  const known = { edk: randomBytes(100), plaintext: randomBytes(32) }
  const clock = createFakeClock()
  const openingKeys = createOpeningKeys({
    kms: {
      async decrypt({ encryptedDataKey }) {
        const found = [own, known].find(({ edk }) => edk.equals(encryptedDataKey))
        if (found === undefined) throw new KmsIntegrityError('not genuine')
        return Buffer.from(found.plaintext)
      },
    },
    clock,
    onLookup: () => undefined,
  })
  const unused = () => assert.fail('no key is refused here')
  const keyWatch = { refusalOf: () => undefined, refused: unused, worked: () => undefined }
  const openBody = createOpenBody({ openingKeys, keyWatch })
  const forgeable: RecordMac = { authenticate: () => 'any', verify: () => undefined }
  const context: EnvelopeContext = {
    topicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
    messageId: '00000000-0000-4000-8000-000000000001',
    principal: 'arn:aws:iam::000000000000:user/publisher',
    header: {
      acceptedAt: 1_767_225_600_000,
      subject: 'S',
      attributes: [{ name: 'a', dataType: 'String', value: 'b' }],
      structure: 'json',
      groupId: 'g',
      deduplicationId: 'd',
    },
  }
  const sealUnder = (dataKey: DataKey) => seal(Buffer.from('short'), { dataKey, context })
  const { header, ...ids } = context
  const entry: Entry = {
    kind: 'message',
    incarnation: 'a'.repeat(32),
    ...ids,
    ...header,
    body: sealUnder(own.dataKey),
    sealed: { encryptedDataKey: own.edk, keyArn: 'arn:aws:kms:us-east-1:000000000000:key/1' },
  }
  const parts = encodeEntry(entry, forgeable).map((part) => Buffer.from(part))
  const fields = new Map<string, Buffer>()
  for (let at = 0; at + 1 < parts.length; at += 2) fields.set(String(parts[at]), parts[at + 1] ?? Buffer.of())
  return {
    own,
    known,
    fields,
    sealUnder,
    /** What becomes of it: delivered, or as the worker decides about the error. */
    async fate(stored: ReadonlyMap<string, Buffer>): Promise<string> {
      try {
        await openBody(decodeEntry(stored, forgeable))
        return 'delivered'
      } catch (error) {
        return decideError(error).kind
      }
    },
  }
}
