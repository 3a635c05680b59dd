/** Decrypt: opens a ciphertext of this KMS. Order of checks: ciphertext.ts; authentication comes last. */

import { openBlob } from '../ciphertext-blob.ts'
import { DryRunError } from '../errors.ts'
import { type Action, KEY_ID_RULES } from './action.ts'
import { ALGORITHM, readAlgorithm, readCiphertext, resolveCiphertext } from './ciphertext.ts'
import { readGrantTokens } from './grants/read-grant-tokens.ts'
import { readEncryptionContext } from './read-encryption-context.ts'

export const decrypt: Action = (request) => {
  const input = request.readMembers((read) => {
    readAlgorithm(read, 'EncryptionAlgorithm')
    readGrantTokens(read, request)
    read.emptyList('DryRunModifiers')
    return {
      blob: readCiphertext(read),
      keyId: read.text('KeyId', KEY_ID_RULES),
      encryptionContext: readEncryptionContext(read),
      isDryRun: read.flag('DryRun'),
    }
  })
  const { blob, keyId, encryptionContext } = input
  request.note({ encryptionContext })
  const resolved = resolveCiphertext(blob, request, {
    keyId,
    permission: request.operation,
    encryptionContext,
    conditions: ALGORITHM,
  })
  const plaintext = openBlob(blob, resolved)
  try {
    if (input.isDryRun) throw new DryRunError()
    return {
      KeyId: resolved.keyArn,
      Plaintext: plaintext.toString('base64'),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      KeyMaterialId: resolved.materialId,
    }
  } finally {
    plaintext.fill(0)
  }
}
