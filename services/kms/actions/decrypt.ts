/**
 * Decrypt: opens a ciphertext of this KMS.
 *
 * The order of checks: form, key known, `KeyId` names that key, permission, key state, material,
 * authentication. A ciphertext of an unknown key, of another account's and of another region's are
 * one and the same refusal.
 */

import { authorizeKey } from '../authorize.ts'
import { openBlob, readBlobHeader } from '../ciphertext-blob.ts'
import { AccessDeniedError, DryRunError, IncorrectKeyError, InvalidCiphertextError } from '../errors.ts'
import type { KmsKey } from '../key-store.ts'
import { type Action, type ActionRequest, KEY_ID_RULES, requireEnabled, resolveKey } from './action.ts'

/** KMS's model; the asymmetric ones belong to keys there are none of here. */
const ALGORITHMS = ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'SM2PKE']

/** The longest of KMS's model, in bytes. */
const MAX_CIPHERTEXT_BYTES = 6144

export const decrypt: Action = (request) => {
  const input = request.readMembers((read) => {
    read.choice('EncryptionAlgorithm', { values: ALGORITHMS, supported: ['SYMMETRIC_DEFAULT'] })
    read.emptyList('GrantTokens')
    read.emptyList('DryRunModifiers')
    return {
      blob: read.requiredBlob('CiphertextBlob', { min: 1, max: MAX_CIPHERTEXT_BYTES }),
      keyId: read.text('KeyId', KEY_ID_RULES),
      encryptionContext: read.textMap('EncryptionContext'),
      isDryRun: read.flag('DryRun'),
    }
  })
  const { blob, encryptionContext } = input
  request.note({ encryptionContext })
  const header = readBlobHeader(blob)
  const key = findKey(header.keyId, request)
  if (input.keyId !== undefined && resolveKey(input.keyId, request, { aliases: true }) !== key) {
    throw new IncorrectKeyError()
  }
  authorizeKey(request.caller, request.operation, key)
  requireEnabled(key)
  const material = key.materials.find(({ id }) => id === header.materialId)
  if (material === undefined) throw new InvalidCiphertextError()
  const plaintext = openBlob(blob, {
    keyArn: key.arn,
    keyId: key.id,
    materialId: material.id,
    material: material.secret,
    encryptionContext,
  })
  try {
    if (input.isDryRun) throw new DryRunError()
    return {
      KeyId: key.arn,
      Plaintext: plaintext.toString('base64'),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      KeyMaterialId: material.id,
    }
  } finally {
    plaintext.fill(0)
  }
}

function findKey(keyId: string, { caller, keyStore, note }: ActionRequest): KmsKey {
  const key = keyStore.findKeyById(keyId)
  if (key === undefined || key.account !== caller.account || key.region !== caller.region) {
    throw new AccessDeniedError(
      'The ciphertext refers to a customer master key that does not exist, does not exist in this region, ' +
        'or you are not allowed to access.',
    )
  }
  note({ keyArn: key.arn })
  return key
}
