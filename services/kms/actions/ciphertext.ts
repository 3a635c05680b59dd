/**
 * From a KMS key to a ciphertext and back: what every action does that encrypts or decrypts.
 *
 * Encryption takes the current material only; decryption takes the one that the ciphertext names,
 * never another on trial.
 */

import { authorizeKey, decideKeyUse } from '../authorize.ts'
import { type BlobContext, readBlobHeader, sealBlob } from '../ciphertext-blob.ts'
import type { EncryptionContext } from '../encryption-context.ts'
import { AccessDeniedError, IncorrectKeyError, InvalidCiphertextError } from '../errors.ts'
import { requireEnabled } from '../key-states.ts'
import type { KeyMaterial, KmsKey } from '../key-store.ts'
import type { MemberReader } from '../members.ts'
import { type ActionRequest, type ResolveOptions, resolveKey } from './action.ts'

/** KMS's model; the asymmetric ones belong to keys there are none of here. */
const ALGORITHMS = ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'SM2PKE']

/** The longest of KMS's model, in bytes. */
const MAX_CIPHERTEXT_BYTES = 6144

/** What conditions may ask of operations that name one. */
export const ALGORITHM = new Map([['kms:encryptionalgorithm', 'SYMMETRIC_DEFAULT']])

/** The one there is here; what is read is that the caller asks for no other. */
export function readAlgorithm(read: MemberReader, name: string): void {
  read.choice(name, { values: ALGORITHMS, supported: ['SYMMETRIC_DEFAULT'] })
}

export function readCiphertext(read: MemberReader): Buffer {
  return read.requiredBlob('CiphertextBlob', { min: 1, max: MAX_CIPHERTEXT_BYTES })
}

/**
 * Finds what opens a ciphertext, if the caller may use it.
 *
 * The order of checks: form, permission on the key that `keyId` names, key known and that key, permission, key state, material.
 * A ciphertext of an unknown key, of another region's and of one that the caller may not use are one and the same refusal.
 *
 * @param o.keyId what the caller says the key is; undefined: whatever the ciphertext names
 * @returns what `openBlob` needs
 */
export function resolveCiphertext(
  blob: Uint8Array,
  request: ActionRequest,
  o: Omit<ResolveOptions, 'aliases'> & {
    keyId: string | undefined
    permission: string
    encryptionContext: EncryptionContext
  },
): BlobContext {
  const header = readBlobHeader(blob)
  const { keyId, noteAs = 'keyArn', ...use } = o
  const named = keyId === undefined ? undefined : resolveKey(keyId, request, { ...use, noteAs, aliases: true })
  const key = request.keyStore.findKeyById(header.keyId)
  if (key === undefined || key.region !== request.caller.region) throw new AccessDeniedError(UNKNOWN)
  if (key !== named) {
    if (named !== undefined)
      throw decideKeyUse(request, key, use).allowed ? new IncorrectKeyError() : new AccessDeniedError(UNKNOWN)
    authorizeKey(request, key, use, { unknown: UNKNOWN })
    request.note({ [noteAs]: key.arn })
  }
  requireEnabled(key)
  const material = key.materials.find(({ id }) => id === header.materialId)
  if (material === undefined) throw new InvalidCiphertextError()
  return { ...contextOf(key, material), encryptionContext: o.encryptionContext }
}

const UNKNOWN =
  'The ciphertext refers to a customer master key that does not exist, does not exist in this region, ' +
  'or you are not allowed to access.'

/** Encrypts under the key's current material. */
export function sealUnder(
  key: KmsKey,
  plaintext: Uint8Array,
  encryptionContext: EncryptionContext,
): { blob: Buffer; materialId: string } {
  const material = key.materials.find(({ state }) => state === 'CURRENT')
  if (material === undefined) throw new Error(`No current key material: ${key.arn}`)
  const blob = sealBlob(plaintext, { ...contextOf(key, material), encryptionContext })
  return { blob, materialId: material.id }
}

function contextOf(key: KmsKey, material: KeyMaterial): Omit<BlobContext, 'encryptionContext'> {
  return { keyArn: key.arn, keyId: key.id, materialId: material.id, material: material.secret }
}
