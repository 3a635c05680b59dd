/** Encrypt: encrypts up to 4 KiB of the caller's under the key's current material. */

import { DryRunError } from '../errors.ts'
import { requireEnabled } from '../key-states.ts'
import { type Action, KEY_ID_RULES, resolveKey } from './action.ts'
import { ALGORITHM, readAlgorithm, sealUnder } from './ciphertext.ts'
import { readGrantTokens } from './grants/read-grant-tokens.ts'
import { readEncryptionContext } from './read-encryption-context.ts'

/** The longest of KMS's model, in bytes. */
const MAX_PLAINTEXT_BYTES = 4096

export const encrypt: Action = (request) => {
  const input = request.readMembers((read) => {
    readAlgorithm(read, 'EncryptionAlgorithm')
    readGrantTokens(read, request)
    return {
      keyId: read.requiredText('KeyId', KEY_ID_RULES),
      plaintext: read.requiredBlob('Plaintext', { min: 1, max: MAX_PLAINTEXT_BYTES }),
      encryptionContext: readEncryptionContext(read),
      isDryRun: read.flag('DryRun'),
    }
  })
  const { plaintext, encryptionContext } = input
  try {
    request.note({ encryptionContext })
    const key = resolveKey(input.keyId, request, { aliases: true, encryptionContext, conditions: ALGORITHM })
    requireEnabled(key)
    if (input.isDryRun) throw new DryRunError()
    const { blob } = sealUnder(key, plaintext, encryptionContext)
    return { CiphertextBlob: blob.toString('base64'), KeyId: key.arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' }
  } finally {
    plaintext.fill(0)
  }
}
