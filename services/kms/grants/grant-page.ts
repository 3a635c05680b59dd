/**
 * Some grants of one key as the text of one file, and back. Pure. Frozen: version 1.
 *
 * A key may have 50,000 grants, and to write all of them for each would hold up everybody; so they lie in up
 * to 256 pages by the first byte of their random ids, and a change writes one page of some hundred. Like the
 * keystore's, `contents` is JSON as a text within JSON, as the MAC is over exactly those bytes.
 *
 * | what | how |
 * |---|---|
 * | `mac` | HMAC-SHA-256(the keystore's mac key, frame(`sealcast.grants.v1`, store id, key ARN, page, contents)), base64 |
 * | page | two hex digits, in the name of the file |
 *
 * The MAC proves that a page was written for this key, not that it is the newest: whoever can write the
 * directory can put back or delete a page, as well as the keystore itself.
 */

import { createHmac, timingSafeEqual } from 'node:crypto'
import { parseDocument, schema } from '#shared/config'
import { frame } from '#shared/framing'
import { KeystoreDamagedError } from '../errors.ts'
import type { StoreKeys } from '../root-key.ts'
import type { Grant } from './grant.ts'

export interface PagePlace {
  readonly storeId: string
  readonly keyArn: string
  /** Two hex digits. */
  readonly page: string
}

const fileDocument = schema.strictObject({
  version: schema.literal(1),
  contents: schema.string(),
  mac: schema.string(),
})

const contentsDocument = schema.array(
  schema.strictObject({
    id: schema.string().regex(/^[0-9a-f]{64}$/),
    name: schema.string().optional(),
    granteePrincipal: schema.string(),
    retiringPrincipal: schema.string().optional(),
    operations: schema.array(schema.string()),
    constraint: schema
      .strictObject({
        type: schema.enum(['equals', 'subset']),
        // A list: in an object the name `__proto__` would be lost.
        pairs: schema.array(schema.tuple([schema.string(), schema.string()])),
      })
      .optional(),
    issuingAccount: schema.string().regex(/^\d{12}$/),
    createdAt: schema.int().min(0),
  }),
)

export function pageOf({ id }: Pick<Grant, 'id'>): string {
  return id.slice(0, 2)
}

export function encodeGrantPage(grants: readonly Grant[], place: PagePlace, storeKeys: StoreKeys): string {
  const contents = JSON.stringify(
    grants.map(({ keyArn: _, constraint, ...grant }) => ({
      ...grant,
      constraint: constraint && { type: constraint.type, pairs: [...constraint.pairs] },
    })),
  )
  const mac = macOf(contents, place, storeKeys).toString('base64')
  return `${JSON.stringify({ version: 1, contents, mac })}\n`
}

/** @throws {KeystoreDamagedError} when it is not exactly what was written for this place */
export function decodeGrantPage(text: string, place: PagePlace, storeKeys: StoreKeys): readonly Grant[] {
  const { contents, mac } = asDamage(place, () => parseDocument('page of grants', fileDocument, text))
  const expected = macOf(contents, place, storeKeys)
  const given = Buffer.from(mac, 'base64')
  if (given.byteLength !== expected.byteLength || !timingSafeEqual(given, expected)) {
    throw damaged(place, 'they do not authenticate')
  }
  const grants = asDamage(place, () => parseDocument('page of grants', contentsDocument, contents))
  return grants.map(({ constraint, ...grant }) => ({
    ...grant,
    keyArn: place.keyArn,
    constraint: constraint && { type: constraint.type, pairs: new Map(constraint.pairs) },
  }))
}

function macOf(contents: string, { storeId, keyArn, page }: PagePlace, { mac }: StoreKeys): Buffer {
  return createHmac('sha256', mac)
    .update(frame(['sealcast.grants.v1', storeId, keyArn, page, contents]))
    .digest()
}

function asDamage<T>(place: PagePlace, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw damaged(place, error instanceof Error ? error.message : 'they cannot be read')
  }
}

function damaged({ keyArn, page }: PagePlace, reason: string): KeystoreDamagedError {
  return new KeystoreDamagedError(`Cannot open the grants of ${keyArn}, page ${page}: ${reason}`)
}
