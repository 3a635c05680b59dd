/**
 * The keystore as text, and back. Pure but for the IVs of wrapped material.
 *
 * One JSON object: `version`, `storeId`, `check` (tells a wrong root key), `contents` and `mac`.
 * `contents` is JSON as a text within it, because the MAC is over exactly those bytes: no field can
 * be added later and forgotten in a list of what is authenticated. Metadata is in clear, key material
 * wrapped with AES-256-GCM; its AAD names store, key and material, so that none can be moved.
 *
 * | what | how |
 * |---|---|
 * | `check` | HKDF(root key, salt = store id, `sealcast.keystore.v1.check`), 16 bytes, base64 |
 * | `mac` | HMAC-SHA-256(mac key, frame(`sealcast.keystore.v1`, store id, contents)), base64 |
 * | `wrapped` | IV (12), ciphertext (32), tag (16), base64; AAD frame(`sealcast.keystore.material.v1`, store id, key ARN, material id) |
 */

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { parseDocument, schema } from '#shared/config'
import { frame } from '#shared/framing'
import { KeystoreDamagedError, RootKeyWrongError } from './errors.ts'
import { deriveStoreKeys, type StoreKeys } from './root-key.ts'

export interface KeyMaterial {
  /** 64 lower-case hex digits. */
  readonly id: string
  readonly createdAt: number
  readonly state: 'CURRENT' | 'NON_CURRENT'
  /** 32 bytes. */
  readonly secret: KeyObject
  /** The secret as it is stored: wrapped once, when it was made. */
  readonly wrapped: string
}

export interface KmsKey {
  readonly id: string
  readonly account: string
  readonly region: string
  readonly arn: string
  readonly description: string
  readonly createdAt: number
  readonly state: 'Enabled' | 'Disabled'
  /** Exactly one is CURRENT; the others still decrypt. */
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

const VERSION = 1
const IV_BYTES = 12
const TAG_BYTES = 16
const MATERIAL_BYTES = 32

const instant = schema.int().min(0)
const account = schema.string().regex(/^\d{12}$/)
// As wide as SigV4 lets a region be: what was accepted must load again.
const region = schema.string().regex(/^[a-z0-9-]{1,128}$/)

const fileDocument = schema.strictObject({
  version: schema.literal(VERSION),
  storeId: schema.string().regex(/^[0-9a-f]{32}$/),
  check: schema.string(),
  contents: schema.string(),
  mac: schema.string(),
})

const contentsDocument = schema.strictObject({
  generation: schema.int().min(1),
  keys: schema.array(
    schema.strictObject({
      id: schema.string(),
      account,
      region,
      description: schema.string(),
      createdAt: instant,
      state: schema.enum(['Enabled', 'Disabled']),
      materials: schema
        .array(
          schema.strictObject({
            id: schema.string().regex(/^[0-9a-f]{64}$/),
            createdAt: instant,
            state: schema.enum(['CURRENT', 'NON_CURRENT']),
            wrapped: schema.string(),
          }),
        )
        .refine((materials) => materials.filter(({ state }) => state === 'CURRENT').length === 1),
    }),
  ),
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
    mac: macOf(storeId, contents, storeKeys).toString('base64'),
  })}\n`
}

/**
 * Reads and verifies everything: check value, MAC, and every wrapped material.
 *
 * @throws {RootKeyWrongError} when the file is of another root key
 * @throws {KeystoreDamagedError} when anything else does not fit
 */
export function decodeKeystore(text: string, rootKey: KeyObject): { keystore: Keystore; storeKeys: StoreKeys } {
  const file = asDamage(() => parseDocument('keystore', fileDocument, text))
  const { storeId, contents } = file
  const storeKeys = deriveStoreKeys(rootKey, storeId)
  if (!equal(storeKeys.check, Buffer.from(file.check, 'base64'))) {
    throw new RootKeyWrongError('Cannot open the keystore: it was written with another root key')
  }
  if (!equal(macOf(storeId, contents, storeKeys), Buffer.from(file.mac, 'base64'))) {
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

/** Makes random material for a key, CURRENT from now on. */
export function createMaterial(o: {
  storeId: string
  keyArn: string
  createdAt: number
  storeKeys: StoreKeys
}): KeyMaterial {
  const id = randomBytes(32).toString('hex')
  const secret = randomBytes(MATERIAL_BYTES)
  const iv = randomBytes(IV_BYTES)
  try {
    const cipher = createCipheriv('aes-256-gcm', o.storeKeys.wrap, iv, { authTagLength: TAG_BYTES })
    cipher.setAAD(materialAad({ ...o, id }))
    const wrapped = Buffer.concat([iv, cipher.update(secret), cipher.final(), cipher.getAuthTag()]).toString('base64')
    return { id, createdAt: o.createdAt, state: 'CURRENT', secret: createSecretKey(secret), wrapped }
  } finally {
    secret.fill(0)
  }
}

function unwrapMaterial(
  wrapped: string,
  o: { storeId: string; keyArn: string; id: string; storeKeys: StoreKeys },
): KeyObject {
  const bytes = Buffer.from(wrapped, 'base64')
  const damaged = () => new KeystoreDamagedError(`Cannot open the keystore: material of ${o.keyArn} does not unwrap`)
  if (bytes.byteLength !== IV_BYTES + MATERIAL_BYTES + TAG_BYTES) throw damaged()
  const tagAt = bytes.byteLength - TAG_BYTES
  const iv = bytes.subarray(0, IV_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', o.storeKeys.wrap, iv, { authTagLength: TAG_BYTES })
  decipher.setAAD(materialAad(o))
  decipher.setAuthTag(bytes.subarray(tagAt))
  const secret = decipher.update(bytes.subarray(IV_BYTES, tagAt))
  try {
    decipher.final()
    return createSecretKey(secret)
  } catch {
    throw damaged()
  } finally {
    secret.fill(0)
  }
}

function materialAad({ storeId, keyArn, id }: { storeId: string; keyArn: string; id: string }): Buffer {
  return frame(['sealcast.keystore.material.v1', storeId, keyArn, id])
}

function macOf(storeId: string, contents: string, { mac }: StoreKeys): Buffer {
  return createHmac('sha256', mac)
    .update(frame(['sealcast.keystore.v1', storeId, contents]))
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
