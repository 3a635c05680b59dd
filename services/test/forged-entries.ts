/** Forgeries of a stream entry, made of genuine ones by somebody without a secret, and how each must be refused. */

import { randomBytes } from 'node:crypto'
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

/**
 * @param other a genuine entry of the same topic
 * @param foreign a genuine entry of another topic
 * @param ofOtherPublisher a genuine entry of another publisher of the same topic
 * @param known an encrypted data key of the topic's own key and context whose plaintext the attacker knows
 * @param sealedByAttacker an envelope for this very message, under that data key
 */
export function forgeriesOfSealed({
  genuine,
  other,
  foreign,
  ofOtherPublisher,
  known,
  sealedByAttacker,
}: {
  genuine: Fields
  other: Fields
  foreign: Fields
  ofOtherPublisher: Fields
  known: Buffer
  sealedByAttacker: Buffer
}): Forgery[] {
  const body = bytesOf(genuine, 'body')
  const edk = bytesOf(genuine, 'edk')
  const unsealed = new Map(withFields(genuine, { body: WORDS }))
  for (const name of ['sealed', 'edk', 'key']) unsealed.delete(name)
  const keyOf = (fields: Fields) => ({ edk: bytesOf(fields, 'edk'), key: bytesOf(fields, 'key') })
  const changes: [name: string, changed: Record<string, string | Buffer>, reason: string][] = [
    ['clear text in the envelope’s place', { body: WORDS }, FORGED],
    ['envelope of another message', { body: bytesOf(other, 'body') }, FORGED],
    ['envelope of another topic', { body: bytesOf(foreign, 'body'), ...keyOf(foreign) }, FORGED],
    ['envelope under a known data key', { body: sealedByAttacker, edk: known }, FORGED],
    ['known data key', { edk: known }, 'ENVELOPE_AUTHENTICATION_FAILED'],
    ['data key of another publisher', keyOf(ofOtherPublisher), 'ENVELOPE_AUTHENTICATION_FAILED'],
    ['data key of another topic', keyOf(foreign), 'KMS_INTEGRITY'],
    ['encrypted data key of another topic', { edk: bytesOf(foreign, 'edk') }, 'KMS_INTEGRITY'],
    ['KMS key of another topic', { key: bytesOf(foreign, 'key') }, 'KMS_INTEGRITY'],
    ['random data key', { edk: randomBytes(edk.byteLength) }, 'KMS_INTEGRITY'],
    ['data key cut', { edk: edk.subarray(0, 100) }, 'KMS_INTEGRITY'],
    ['data key with its last bit flipped', { edk: flipped(edk, edk.byteLength - 1) }, 'KMS_INTEGRITY'],
    ['no data key', { edk: '' }, MALFORMED],
    ['data key of 7,000 bytes', { edk: randomBytes(7_000) }, MALFORMED],
    ['key that is no ARN', { key: 'alias/mine' }, MALFORMED],
    ['seal of another value', { sealed: '2' }, FORGED],
  ]
  return [
    ...changes.map(([name, changed, reason]) => ({ name, fields: withFields(genuine, changed), reason })),
    ...removals(genuine),
    { name: 'clear text without a seal', fields: unsealed, reason: FORGED },
    ...samplePositions(body.byteLength).map((at) => ({
      name: `envelope with byte ${at} flipped`,
      fields: withFields(genuine, { body: flipped(body, at) }),
      reason: FORGED,
    })),
  ]
}

export function withFields(fields: Fields, changed: Readonly<Record<string, string | Buffer>>): Fields {
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
    return { name: `no ${name}`, fields, reason: ['v', 'edk', 'key'].includes(name) ? MALFORMED : FORGED }
  })
}

/** Both ends of each field of the envelope's header, then all over ciphertext and tag. */
function samplePositions(bytes: number): number[] {
  const header = [0, 1, 2, 3, 4, 19, 20, 51, 52, 63]
  const rest = Array.from({ length: 30 }, (_, n) => 64 + Math.floor((n * (bytes - 65)) / 29))
  return [...new Set([...header, ...rest])]
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
  return copy
}
