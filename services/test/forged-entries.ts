/** Forgeries of a stream entry, made of genuine ones by somebody without a secret, and how each must be refused. */

import { randomBytes, randomUUID } from 'node:crypto'
import { deriveDataKey, seal } from '#shared/envelope'
import type { Fields } from './redis-attacker.ts'

export interface Forgery {
  readonly name: string
  readonly fields: Fields | readonly (string | Buffer)[]
  readonly reason: string
}

const FORGED = 'RECORD_FORGED'
const MALFORMED = 'ENTRY_MALFORMED'
const WORDS = Buffer.from('words of the attacker')

/** @param other a genuine entry of the same topic */
export function forgeriesOfPlain(genuine: Fields, other: Fields): Forgery[] {
  const changes: [name: string, changed: Record<string, string | Buffer>][] = [
    ['body', { body: WORDS }],
    ['subject added', { subject: 'Refund' }],
    ['attributes added', { attributes: '[["kind","String","refund"]]' }],
    ['time', { at: String(Date.now()) }],
    ['principal', { principal: 'arn:aws:iam::000000000000:user/root' }],
    ['id', { id: '00000000-0000-4000-8000-000000000000' }],
    ['topic', { topic: `${genuine.get('topic')}2` }],
    ['incarnation', { incarnation: '0'.repeat(32) }],
    ['made a confirmation', { kind: 'confirmation', subscription: String(genuine.get('id')), purpose: 'subscribe' }],
    ['body of another', { body: bytesOf(other, 'body') }],
    ['MAC of another', { mac: bytesOf(other, 'mac') }],
    ['MAC of an unknown secret', { mac: `ffffffff${String(genuine.get('mac')).slice(8)}` }],
    ['MAC with a byte more', { mac: `${genuine.get('mac')}A` }],
    ['empty MAC', { mac: '' }],
  ]
  return [
    ...changes.map(([name, changed]) => ({ name, fields: withFields(genuine, changed), reason: FORGED })),
    ...removals(genuine),
    { name: 'made up', fields: ['v', '1', 'kind', 'message', 'body', WORDS, 'mac', 'x'], reason: FORGED },
    { name: 'unknown field', fields: withFields(genuine, { priority: '1' }), reason: MALFORMED },
    { name: 'later version', fields: withFields(genuine, { v: '2' }), reason: MALFORMED },
    { name: 'sealed after all', fields: withFields(genuine, { sealed: '1', edk: 'x', key: 'x' }), reason: FORGED },
    { name: 'a second body', fields: [...[...genuine].flat(), 'body', WORDS], reason: FORGED },
    { name: 'field of 3 MB', fields: withFields(genuine, { body: Buffer.alloc(3e6, 'x') }), reason: MALFORMED },
    { name: 'name of 3 MB', fields: ['x'.repeat(3e6), 'x'], reason: MALFORMED },
    { name: '20,000 fields', fields: Array.from({ length: 40_000 }, (_, n) => `${n}`), reason: MALFORMED },
    { name: 'bytes', fields: [randomBytes(40), randomBytes(40)], reason: MALFORMED },
  ]
}

/** Somebody whom the KMS key's policy lets may ask for one himself, under the topic's own context. */
export interface KnownDataKey {
  readonly edk: Buffer
  readonly plaintext: Buffer
}

/**
 * @param other a genuine entry of the same topic
 * @param foreign a genuine entry of another topic
 * @param ofOtherPublisher a genuine entry of another publisher of the same topic
 * @param ofOtherKms what another KMS gave for the topic's context
 * @param known an encrypted data key of the topic's own key and context, and its plaintext
 */
export function forgeriesOfSealed({
  genuine,
  other,
  foreign,
  ofOtherPublisher,
  ofOtherKms,
  known,
}: {
  genuine: Fields
  other: Fields
  foreign: Fields
  ofOtherPublisher: Fields
  ofOtherKms: { edk: Buffer; key: string }
  known: KnownDataKey
}): Forgery[] {
  const edk = bytesOf(genuine, 'edk')
  const unsealed = new Map(withFields(genuine, { body: WORDS }))
  for (const name of ['sealed', 'edk', 'key']) unsealed.delete(name)
  const keyOf = (fields: Fields) => ({ edk: bytesOf(fields, 'edk'), key: bytesOf(fields, 'key') })
  const placeOf = (fields: Fields) => ({ topic: bytesOf(fields, 'topic'), incarnation: bytesOf(fields, 'incarnation') })
  const changes: [name: string, changed: Record<string, string | Buffer>][] = [
    ['clear text in the envelope’s place', { body: WORDS }],
    ['envelope of another message', { body: bytesOf(other, 'body') }],
    ['envelope of another topic', { body: bytesOf(foreign, 'body'), ...keyOf(foreign) }],
    ['envelope of another publisher', { body: bytesOf(ofOtherPublisher, 'body'), ...keyOf(ofOtherPublisher) }],
    ['envelope under a known data key', { body: sealAsAttacker(genuine, known.plaintext), edk: known.edk }],
    ['known data key', { edk: known.edk }],
    ['moved to another topic', placeOf(foreign)],
    ['moved to another message', { id: bytesOf(other, 'id') }],
    ['moved to another publisher', { principal: bytesOf(ofOtherPublisher, 'principal') }],
    ['data key of another publisher', keyOf(ofOtherPublisher)],
    ['data key of another topic', keyOf(foreign)],
    ['encrypted data key of another topic', { edk: bytesOf(foreign, 'edk') }],
    ['KMS key of another topic', { key: bytesOf(foreign, 'key') }],
    ['data key of another KMS', { edk: ofOtherKms.edk }],
    ['data key and KMS key of another KMS', ofOtherKms],
    ['random data key', { edk: randomBytes(edk.byteLength) }],
    ['data key cut', { edk: edk.subarray(0, 100) }],
    ['data key of a KMS key that is unknown', { edk: Buffer.from(edk).fill(1, 4, 20) }],
    ['KMS key that is unknown', { key: `${String(genuine.get('key')).slice(0, -36)}${randomUUID()}` }],
    ['no data key', { edk: '' }],
    ['data key of 7,000 bytes', { edk: randomBytes(7_000) }],
    ['key that is no ARN', { key: 'alias/mine' }],
    ['seal of another value', { sealed: '3' }],
    ['data key freed from the MAC', { sealed: '1', edk: known.edk }],
  ]
  return [
    ...changes.map(([name, changed]) => ({ name, fields: withFields(genuine, changed), reason: FORGED })),
    ...removals(genuine),
    { name: 'clear text without a seal', fields: unsealed, reason: FORGED },
  ]
}

function withFields(fields: Fields, changed: Readonly<Record<string, string | Buffer>>): Fields {
  return new Map([...fields, ...Object.entries(changed).map(([name, value]) => [name, Buffer.from(value)] as const)])
}

export function bytesOf(fields: Fields, name: string): Buffer {
  const value = fields.get(name)
  if (value === undefined) throw new Error(`The entry has no ${name}`)
  return value
}

function removals(genuine: Fields): Forgery[] {
  return [...genuine.keys()].map((name) => {
    const fields = new Map(genuine)
    fields.delete(name)
    return { name: `no ${name}`, fields, reason: name === 'v' ? MALFORMED : FORGED }
  })
}

/** Each bit of the entry's values, flipped alone. */
export function* bitFlips(genuine: Fields): Generator<Forgery> {
  for (const [name, value] of genuine) {
    for (let bit = 0; bit < value.byteLength * 8; bit++) yield bitFlip(genuine, name, bit)
  }
}

/** Of each field both ends and, by a fixed seed, one bit between. */
export function sampledBitFlips(genuine: Fields): Forgery[] {
  let random = 1
  return [...genuine].flatMap(([name, value]) => {
    const bits = value.byteLength * 8
    random = (random * 48_271) % 2_147_483_647
    return [...new Set([0, random % bits, bits - 1])].map((bit) => bitFlip(genuine, name, bit))
  })
}

function bitFlip(genuine: Fields, name: string, bit: number): Forgery {
  const value = Buffer.from(bytesOf(genuine, name))
  const at = bit >> 3
  value.writeUInt8(value.readUInt8(at) ^ (1 << (bit & 7)), at)
  return {
    name: `${name} with bit ${bit} flipped`,
    fields: withFields(genuine, { [name]: value }),
    reason: name === 'v' ? MALFORMED : FORGED,
  }
}

/** What he would have delivered in the place of a message, sealed as well as he can. */
function sealAsAttacker(genuine: Fields, plaintext: Buffer): Buffer {
  const text = (name: string) => String(bytesOf(genuine, name))
  const dataKey = deriveDataKey(bytesOf(genuine, 'body').subarray(4, 20), plaintext)
  const header = { attributes: [], acceptedAt: Number(text('at')) }
  const context = { topicArn: text('topic'), messageId: text('id'), principal: text('principal'), header }
  return seal(WORDS, { dataKey, context })
}
