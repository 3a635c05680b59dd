/**
 * The keystore as text, and back. Pure.
 *
 * One JSON object: `version`, `storeId`, `check` (tells a wrong root key), `contents` and `mac`.
 * `contents` is JSON as a text within it, because the MAC is over exactly those bytes: no field can
 * be added later and forgotten in a list of what is authenticated. Metadata is in clear, key material
 * wrapped (key-material.ts).
 *
 * | what | how |
 * |---|---|
 * | `check` | HKDF(root key, salt = store id, `sealcast.keystore.v1.check`), 16 bytes, base64 |
 * | `mac` | HMAC-SHA-256(mac key, frame(`sealcast.keystore.v<version>`, store id, contents)), base64 |
 *
 * Version 2 added deletion, rotation, AWS managed keys and tags, version 3 key policies. An older file has none of them:
 * what it leaves out has a default. The next change writes version 3.
 */

import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { parseDocument, schema } from '#shared/config'
import { frame } from '#shared/framing'
import { KeystoreDamagedError, KeystoreVersionError, RootKeyWrongError } from './errors.ts'
import { type KeyMaterial, unwrapMaterial } from './key-material.ts'
import { deriveStoreKeys, type StoreKeys } from './root-key.ts'

export interface Tag {
  readonly key: string
  readonly value: string
}

export interface KmsKey {
  readonly id: string
  readonly account: string
  readonly region: string
  readonly arn: string
  readonly description: string
  readonly tags: readonly Tag[]
  readonly createdAt: number
  /** AWS: made on first use of a service's alias, and not the account's to change. */
  readonly manager: 'AWS' | 'CUSTOMER'
  readonly state: 'Enabled' | 'Disabled' | 'PendingDeletion'
  /** The end of the waiting period; there while PendingDeletion. */
  readonly deletionAt?: number | undefined
  /** As it was put, JSON; absent: the default policy of its account, or AWS's if the key is AWS's (key-policy.ts). */
  readonly policy?: string | undefined
  /** Automatic rotation; absent while it is off. */
  readonly rotation?: { readonly periodDays: number; readonly nextAt: number } | undefined
  /** From the oldest to the newest, which alone is CURRENT; the others still decrypt. */
  readonly materials: readonly KeyMaterial[]
}

export interface Alias {
  /** With its `alias/`. */
  readonly name: string
  readonly account: string
  readonly region: string
  readonly arn: string
  readonly targetKeyId: string
  readonly createdAt: number
  readonly updatedAt: number
}

export interface Keystore {
  /** 32 hex digits. */
  readonly storeId: string
  /** One more with every change. */
  readonly generation: number
  readonly keys: readonly KmsKey[]
  readonly aliases: readonly Alias[]
}

const VERSION = 3

const instant = schema.int().min(0)
const account = schema.string().regex(/^\d{12}$/)
// As wide as SigV4 lets a region be: what was accepted must load again.
const region = schema.string().regex(/^[a-z0-9-]{1,128}$/)

const versionedDocument = schema.looseObject({ version: schema.int().min(1) })

const fileDocument = schema.strictObject({
  version: schema.int(),
  storeId: schema.string().regex(/^[0-9a-f]{32}$/),
  check: schema.string(),
  contents: schema.string(),
  mac: schema.string(),
})

const materialDocument = schema.strictObject({
  id: schema.string().regex(/^[0-9a-f]{64}$/),
  createdAt: instant,
  state: schema.enum(['CURRENT', 'NON_CURRENT']),
  rotationType: schema.enum(['AUTOMATIC', 'ON_DEMAND']).optional(),
  wrapped: schema.string(),
})

const keyDocument = schema
  .strictObject({
    id: schema.string(),
    account,
    region,
    description: schema.string(),
    tags: schema.array(schema.strictObject({ key: schema.string(), value: schema.string() })).default([]),
    createdAt: instant,
    manager: schema.enum(['AWS', 'CUSTOMER']).default('CUSTOMER'),
    state: schema.enum(['Enabled', 'Disabled', 'PendingDeletion']),
    deletionAt: instant.optional(),
    policy: schema.string().optional(),
    rotation: schema.strictObject({ periodDays: schema.int().min(1), nextAt: instant }).optional(),
    materials: schema
      .array(materialDocument)
      .refine((materials) => materials.filter(({ state }) => state === 'CURRENT').length === 1),
  })
  .refine(({ state, deletionAt }) => (state === 'PendingDeletion') === (deletionAt !== undefined))

const contentsDocument = schema.strictObject({
  generation: schema.int().min(1),
  keys: schema.array(keyDocument),
  aliases: schema.array(
    schema.strictObject({
      name: schema.string().startsWith('alias/'),
      account,
      region,
      targetKeyId: schema.string(),
      createdAt: instant,
      updatedAt: instant,
    }),
  ),
})

export function encodeKeystore({ storeId, generation, keys, aliases }: Keystore, storeKeys: StoreKeys): string {
  const contents = JSON.stringify({
    generation,
    keys: keys.map(({ arn: _, materials, ...key }) => ({
      ...key,
      materials: materials.map(({ secret: _, ...material }) => material),
    })),
    aliases: aliases.map(({ arn: _, ...alias }) => alias),
  })
  return `${JSON.stringify({
    version: VERSION,
    storeId,
    check: storeKeys.check.toString('base64'),
    contents,
    mac: macOf({ version: VERSION, storeId, contents }, storeKeys).toString('base64'),
  })}\n`
}

/**
 * Reads and verifies everything: check value, MAC, and every wrapped material.
 *
 * @throws {KeystoreVersionError} when a newer program wrote it
 * @throws {RootKeyWrongError} when the file is of another root key
 * @throws {KeystoreDamagedError} when anything else does not fit
 */
export function decodeKeystore(text: string, rootKey: KeyObject): { keystore: Keystore; storeKeys: StoreKeys } {
  const { version } = asDamage(() => parseDocument('keystore', versionedDocument, text))
  if (version > VERSION) {
    throw new KeystoreVersionError(
      `Cannot open the keystore: its format has version ${version}, the newest known here is ${VERSION}`,
    )
  }
  const file = asDamage(() => parseDocument('keystore', fileDocument, text))
  const { storeId, contents } = file
  const storeKeys = deriveStoreKeys(rootKey, storeId)
  if (!equal(storeKeys.check, Buffer.from(file.check, 'base64'))) {
    throw new RootKeyWrongError('Cannot open the keystore: it was written with another root key')
  }
  if (!equal(macOf(file, storeKeys), Buffer.from(file.mac, 'base64'))) {
    throw new KeystoreDamagedError('Cannot open the keystore: its contents do not authenticate')
  }
  const parsed = asDamage(() => parseDocument('keystore contents', contentsDocument, contents))
  const keys = parsed.keys.map((key): KmsKey => {
    const arn = `arn:aws:kms:${key.region}:${key.account}:key/${key.id}`
    const unwrap = (id: string, wrapped: string) => unwrapMaterial(wrapped, { storeId, keyArn: arn, id, storeKeys })
    return { ...key, arn, materials: key.materials.map((m) => ({ ...m, secret: unwrap(m.id, m.wrapped) })) }
  })
  const aliases = parsed.aliases.map((alias): Alias => {
    return { ...alias, arn: `arn:aws:kms:${alias.region}:${alias.account}:${alias.name}` }
  })
  return { keystore: { storeId, generation: parsed.generation, keys, aliases }, storeKeys }
}

function macOf(
  { version, storeId, contents }: { version: number; storeId: string; contents: string },
  { mac }: StoreKeys,
): Buffer {
  return createHmac('sha256', mac)
    .update(frame([`sealcast.keystore.v${version}`, storeId, contents]))
    .digest()
}

function equal(a: Buffer, b: Buffer): boolean {
  return a.byteLength === b.byteLength && timingSafeEqual(a, b)
}

/** A document of another shape is damage like any other: the next step is the same. */
function asDamage<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new KeystoreDamagedError(error instanceof Error ? error.message : 'Cannot open the keystore')
  }
}
