/**
 * Key material: what a KMS key encrypts with. A rotation gives a key new material and keeps the old.
 *
 * It rests wrapped: IV (12), ciphertext (32), tag (16), base64, AES-256-GCM under the keystore's wrap
 * key, AAD frame(`sealcast.keystore.material.v1`, store id, key ARN, material id). The AAD names
 * store, key and material, so that none can be moved.
 */

import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { frame } from '#shared/framing'
import { KeystoreDamagedError } from './errors.ts'
import type { StoreKeys } from './root-key.ts'

export type RotationType = 'AUTOMATIC' | 'ON_DEMAND'

export interface KeyMaterial {
  /** 64 lower-case hex digits. */
  readonly id: string
  readonly createdAt: number
  readonly state: 'CURRENT' | 'NON_CURRENT'
  /** What brought it; absent: it came with the key. */
  readonly rotationType?: RotationType | undefined
  /** 32 bytes. */
  readonly secret: KeyObject
  /** The secret as it is stored: wrapped once, when it was made. */
  readonly wrapped: string
}

const IV_BYTES = 12
const TAG_BYTES = 16
const MATERIAL_BYTES = 32

/** Makes random material for a key, CURRENT from now on. */
export function createMaterial(o: {
  storeId: string
  keyArn: string
  createdAt: number
  rotationType?: RotationType | undefined
  storeKeys: StoreKeys
}): KeyMaterial {
  const id = randomBytes(32).toString('hex')
  const secret = randomBytes(MATERIAL_BYTES)
  const iv = randomBytes(IV_BYTES)
  try {
    const cipher = createCipheriv('aes-256-gcm', o.storeKeys.wrap, iv, { authTagLength: TAG_BYTES })
    cipher.setAAD(materialAad({ ...o, id }))
    const wrapped = Buffer.concat([iv, cipher.update(secret), cipher.final(), cipher.getAuthTag()]).toString('base64')
    const { createdAt, rotationType } = o
    const came = rotationType === undefined ? {} : { rotationType }
    return { id, createdAt, state: 'CURRENT', ...came, secret: createSecretKey(secret), wrapped }
  } finally {
    secret.fill(0)
  }
}

/** @throws {KeystoreDamagedError} when it is not this key's, or altered */
export function unwrapMaterial(
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
