/**
 * The record of one message in its partition stream: `encodeEntry` makes the fields of XADD,
 * `decodeEntry` checks and reads them.
 *
 * Redis is not trusted, so a MAC covers every field: the encrypted data key and its key ARN as well, since
 * KMS's answer to an altered one may be that it is denied or unknown, and an entry of which that is said waits
 * for its key. Entries of before that was so are still read (`sealed` is 1): their MAC leaves the two out. It is
 * verified over the bytes as stored, before anything is parsed. A field that this version does not know is
 * refused: a reader that skips one would deliver a message without what the field asks for.
 *
 * Frozen; field table in README.md, vectors in vectors/entries.json.
 */

import { Framed } from '#shared/framing'
import type { RecordMac } from '#shared/record-mac'
import { EntryFormatError } from './errors.ts'

export interface MessageAttribute {
  name: string
  dataType: string
  /** Binary values in canonical base64. */
  value: string
}

export interface Entry {
  kind: 'message' | 'confirmation'
  topicArn: string
  /** Of the topic: 32 hex digits. Workers drop entries of an earlier incarnation. */
  incarnation: string
  messageId: string
  /** ARN of who published, or subscribed. */
  principal: string
  /** Epoch ms. */
  acceptedAt: number
  subject?: string
  attributes: readonly MessageAttribute[]
  structure?: string
  groupId?: string
  deduplicationId?: string
  /** Present exactly when `kind` is `confirmation`. */
  confirmation?: { subscriptionId: string; purpose: 'subscribe' | 'unsubscribe' }
  /** The envelope when sealed, else the text; empty for confirmations. */
  body: Buffer
  sealed?: { encryptedDataKey: Buffer; keyArn: string }
}

const VERSION = '1'
/** The MAC covers the encrypted data key and the key ARN too. */
const SEALED = '2'
/** It does not: of entries that were stored before it did. */
const SEALED_LOOSELY = '1'

/** In the order in which the MAC takes them; an absent field is an absent part. Append only, with a new version. */
const AUTHENTICATED_FIELDS = [
  'v',
  'kind',
  'topic',
  'incarnation',
  'id',
  'principal',
  'at',
  'subject',
  'attributes',
  'structure',
  'group',
  'dedup',
  'subscription',
  'purpose',
  'sealed',
  'body',
] as const

/** After those, of a sealed entry. */
const SEAL_FIELDS = ['edk', 'key'] as const

const KNOWN_FIELDS: ReadonlySet<string> = new Set([...AUTHENTICATED_FIELDS, ...SEAL_FIELDS, 'mac'])

type FieldName = (typeof AUTHENTICATED_FIELDS)[number]

/** Field, value, field, value, … as XADD takes them. */
export type Fields = (string | Buffer)[]

/** The fields in the order of the table. */
export function encodeEntry(entry: Entry, recordMac: RecordMac): Fields {
  const fields: Fields = []
  const values = authenticatedValues(entry)
  for (const [at, name] of AUTHENTICATED_FIELDS.entries()) {
    const value = values[at]
    if (value !== undefined) fields.push(name, value)
  }
  if (entry.sealed !== undefined) fields.push('edk', entry.sealed.encryptedDataKey, 'key', entry.sealed.keyArn)
  fields.push('mac', recordMac.authenticate('entry', values))
  return fields
}

/** What all entries of a publisher have in common while its topic and its data key stay the same. */
export interface CommonFields {
  readonly fields: Fields
  /** For the MAC, three runs of AUTHENTICATED_FIELDS and SEAL_FIELDS: up to the incarnation, the principal, those of the seal. */
  readonly framed: readonly [head: Framed, publisher: Framed, seal: Framed]
}

export function encodeCommonFields({ kind, topicArn, incarnation, principal, sealed }: Entry): CommonFields {
  const fields: Fields = ['v', VERSION, 'kind', kind, 'topic', topicArn]
  fields.push('incarnation', incarnation, 'principal', principal)
  if (sealed !== undefined) fields.push('sealed', SEALED, 'edk', sealed.encryptedDataKey, 'key', sealed.keyArn)
  const head = new Framed([VERSION, kind, topicArn, incarnation])
  const seal = new Framed(sealed === undefined ? [] : [sealed.encryptedDataKey, sealed.keyArn])
  return { fields, framed: [head, new Framed([principal]), seal] }
}

/**
 * What is one entry's own: with the common fields, those of `encodeEntry`.
 *
 * @param framed of the entry's common fields
 */
export function encodeOwnFields(entry: Entry, framed: CommonFields['framed'], recordMac: RecordMac): Fields {
  const { subject, attributes, structure, groupId, deduplicationId, confirmation } = entry
  const fields: Fields = ['id', entry.messageId, 'at', String(entry.acceptedAt), 'body', entry.body]
  const [head, publisher, seal] = framed
  fields.push('mac', recordMac.authenticate('entry', [head, entry.messageId, publisher, ...ownValues(entry), seal]))
  if (subject !== undefined) fields.push('subject', subject)
  if (attributes.length > 0) fields.push('attributes', encodeAttributes(attributes) ?? '')
  if (structure !== undefined) fields.push('structure', structure)
  if (groupId !== undefined) fields.push('group', groupId)
  if (deduplicationId !== undefined) fields.push('dedup', deduplicationId)
  if (confirmation !== undefined) {
    fields.push('subscription', confirmation.subscriptionId, 'purpose', confirmation.purpose)
  }
  return fields
}

/** In the order of AUTHENTICATED_FIELDS, then SEAL_FIELDS. */
function authenticatedValues(entry: Entry): (string | Buffer | undefined)[] {
  const { kind, topicArn, incarnation, messageId, principal, sealed } = entry
  const values = [VERSION, kind, topicArn, incarnation, messageId, principal, ...ownValues(entry)]
  if (sealed !== undefined) values.push(sealed.encryptedDataKey, sealed.keyArn)
  return values
}

/** Those of AUTHENTICATED_FIELDS from the time to the body. */
function ownValues(entry: Entry): (string | Buffer | undefined)[] {
  return [
    String(entry.acceptedAt),
    entry.subject,
    encodeAttributes(entry.attributes),
    entry.structure,
    entry.groupId,
    entry.deduplicationId,
    entry.confirmation?.subscriptionId,
    entry.confirmation?.purpose,
    entry.sealed === undefined ? undefined : SEALED,
    entry.body,
  ]
}

/**
 * @throws {EntryFormatError} for an unknown version or field, or values that fit no entry
 * @throws {RecordForgedError} when the MAC is missing or wrong
 */
export function decodeEntry(fields: ReadonlyMap<string, Buffer>, recordMac: RecordMac): Entry {
  for (const name of fields.keys()) if (!KNOWN_FIELDS.has(name)) throw new EntryFormatError('it has an unknown field')
  if (fields.get('v')?.toString() !== VERSION) throw new EntryFormatError('its version is not 1')
  const isSealed = fields.get('sealed')?.toString() === SEALED
  const authenticated = isSealed ? [...AUTHENTICATED_FIELDS, ...SEAL_FIELDS] : AUTHENTICATED_FIELDS
  recordMac.verify(
    'entry',
    authenticated.map((name) => fields.get(name)),
    fields.get('mac')?.toString(),
  )

  const text = (name: FieldName | 'key') => fields.get(name)?.toString('utf8')
  const required = (name: FieldName) => {
    const value = text(name)
    if (value === undefined) throw new EntryFormatError(`it has no ${name}`)
    return value
  }
  const subject = text('subject')
  const structure = text('structure')
  const groupId = text('group')
  const deduplicationId = text('dedup')
  const confirmation = readConfirmation(text('subscription'), text('purpose'))
  const kind = readKind(required('kind'), confirmation !== undefined)
  const sealed = readSealed(text('sealed'), copyOf(fields.get('edk')), text('key'))
  const body = copyOf(fields.get('body'))
  if (body === undefined) throw new EntryFormatError('it has no body')
  return {
    kind,
    topicArn: required('topic'),
    incarnation: required('incarnation'),
    messageId: required('id'),
    principal: required('principal'),
    acceptedAt: readTime(required('at')),
    attributes: readAttributes(text('attributes')),
    body,
    ...(subject === undefined ? {} : { subject }),
    ...(structure === undefined ? {} : { structure }),
    ...(groupId === undefined ? {} : { groupId }),
    ...(deduplicationId === undefined ? {} : { deduplicationId }),
    ...(confirmation === undefined ? {} : { confirmation }),
    ...(sealed === undefined ? {} : { sealed }),
  }
}

/** The bytes at hand are part of a whole reply of Redis: an attempt that goes on for long would keep all of it. */
function copyOf(value: Buffer | undefined): Buffer | undefined {
  return value && Buffer.from(value)
}

function readKind(kind: string, hasConfirmation: boolean): Entry['kind'] {
  if (kind === 'message' && !hasConfirmation) return kind
  if (kind === 'confirmation' && hasConfirmation) return kind
  throw new EntryFormatError('its kind does not fit its fields')
}

function readConfirmation(subscriptionId: string | undefined, purpose: string | undefined): Entry['confirmation'] {
  if (subscriptionId === undefined && purpose === undefined) return undefined
  if (subscriptionId === undefined || (purpose !== 'subscribe' && purpose !== 'unsubscribe')) {
    throw new EntryFormatError('its confirmation is incomplete')
  }
  return { subscriptionId, purpose }
}

function readSealed(flag: string | undefined, edk: Buffer | undefined, keyArn: string | undefined): Entry['sealed'] {
  if (flag === undefined && edk === undefined && keyArn === undefined) return undefined
  const isKnown = flag === SEALED || flag === SEALED_LOOSELY
  if (!isKnown || edk === undefined || keyArn === undefined) throw new EntryFormatError('its seal is incomplete')
  return { encryptedDataKey: edk, keyArn }
}

function readTime(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new EntryFormatError('its time is no number')
  return Number(text)
}

/** JSON `[[name, dataType, value], …]`: compact, ordered, and free of the separators that SNS allows in values. */
function encodeAttributes(attributes: readonly MessageAttribute[]): string | undefined {
  if (attributes.length === 0) return undefined
  return JSON.stringify(attributes.map(({ name, dataType, value }) => [name, dataType, value]))
}

function readAttributes(text: string | undefined): MessageAttribute[] {
  if (text === undefined) return []
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new EntryFormatError('its attributes are no JSON')
  }
  if (!Array.isArray(parsed)) throw new EntryFormatError('its attributes are no list')
  return parsed.map((item: unknown) => {
    if (!Array.isArray(item) || item.length !== 3) throw new EntryFormatError('an attribute has not three parts')
    const [name, dataType, value]: unknown[] = item
    if (typeof name !== 'string' || typeof dataType !== 'string' || typeof value !== 'string') {
      throw new EntryFormatError('an attribute has a part that is no text')
    }
    return { name, dataType, value }
  })
}
