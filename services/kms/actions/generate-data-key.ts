/**
 * GenerateDataKey: a random data key, in clear and encrypted under the key's current material;
 * GenerateDataKeyWithoutPlaintext: the encrypted one alone, for somebody who will decrypt it later.
 *
 * Touches no disk, since the key was durable before it could be named; but for SNS's own key, which its first use makes.
 */

import { randomBytes } from 'node:crypto'
import { DryRunError } from '../errors.ts'
import { requireEnabled } from '../key-states.ts'
import { type Action, type ActionRequest, KEY_ID_RULES, resolveKey } from './action.ts'
import { sealUnder } from './ciphertext.ts'
import { readGrantTokens } from './grants/read-grant-tokens.ts'
import { makeManagedKeyOnUse } from './make-managed-key.ts'
import { readEncryptionContext } from './read-encryption-context.ts'

const BYTES_OF_SPEC = { AES_128: 16, AES_256: 32 } as const

export const generateDataKey: Action = (request) =>
  generate(request, (plaintext) => ({ Plaintext: plaintext.toString('base64') }))

export const generateDataKeyWithoutPlaintext: Action = (request) => generate(request, () => ({}))

/** @param show what the answer tells of the plaintext, which is zeroed afterwards */
async function generate(request: ActionRequest, show: (plaintext: Buffer) => Readonly<Record<string, string>>) {
  const input = request.readMembers((read) => {
    const keySpec = read.choice('KeySpec', { values: ['AES_256', 'AES_128'], supported: ['AES_256', 'AES_128'] })
    const numberOfBytes = read.integer('NumberOfBytes', { min: 1, max: 1024 })
    if ((keySpec === undefined) === (numberOfBytes === undefined)) {
      read.refuse('Please specify either number of bytes or key spec.')
    }
    readGrantTokens(read, request)
    return {
      keyId: read.requiredText('KeyId', KEY_ID_RULES),
      bytes: keySpec === undefined ? (numberOfBytes ?? 0) : BYTES_OF_SPEC[keySpec],
      encryptionContext: readEncryptionContext(read),
      isDryRun: read.flag('DryRun'),
    }
  })
  const { encryptionContext } = input
  request.note({ encryptionContext })
  await makeManagedKeyOnUse(input.keyId, request)
  const key = resolveKey(input.keyId, request, { aliases: true, encryptionContext })
  requireEnabled(key)
  if (input.isDryRun) throw new DryRunError()
  const plaintext = randomBytes(input.bytes)
  try {
    const { blob, materialId } = sealUnder(key, plaintext, encryptionContext)
    return {
      CiphertextBlob: blob.toString('base64'),
      ...show(plaintext),
      KeyId: key.arn,
      KeyMaterialId: materialId,
    }
  } finally {
    plaintext.fill(0)
  }
}
