/**
 * ReEncrypt: opens a ciphertext under one key and encryption context and encrypts the plaintext
 * under another; it never leaves this process.
 *
 * Two permissions: ReEncryptFrom on the source key, ReEncryptTo on the destination. Both keys are
 * looked at before anything is opened: a rewrap that cannot succeed touches no plaintext.
 */

import { openBlob } from '../ciphertext-blob.ts'
import { DryRunError } from '../errors.ts'
import { requireEnabled } from '../key-states.ts'
import { type Action, KEY_ID_RULES, resolveKey } from './action.ts'
import { ALGORITHM, readAlgorithm, readCiphertext, resolveCiphertext, sealUnder } from './ciphertext.ts'
import { readGrantTokens } from './grants/read-grant-tokens.ts'
import { readEncryptionContext } from './read-encryption-context.ts'

export const reEncrypt: Action = (request) => {
  const input = request.readMembers((read) => {
    readAlgorithm(read, 'SourceEncryptionAlgorithm')
    readAlgorithm(read, 'DestinationEncryptionAlgorithm')
    readGrantTokens(read, request)
    read.emptyList('DryRunModifiers')
    return {
      blob: readCiphertext(read),
      sourceKeyId: read.text('SourceKeyId', KEY_ID_RULES),
      sourceContext: readEncryptionContext(read, 'SourceEncryptionContext'),
      destinationKeyId: read.requiredText('DestinationKeyId', KEY_ID_RULES),
      destinationContext: readEncryptionContext(read, 'DestinationEncryptionContext'),
      isDryRun: read.flag('DryRun'),
    }
  })
  const { blob, sourceContext, destinationContext } = input
  request.note({ sourceEncryptionContext: sourceContext, encryptionContext: destinationContext })
  const source = resolveCiphertext(blob, request, {
    keyId: input.sourceKeyId,
    permission: 'ReEncryptFrom',
    encryptionContext: sourceContext,
    conditions: ALGORITHM,
    noteAs: 'sourceKeyArn',
  })
  const destination = resolveKey(input.destinationKeyId, request, {
    aliases: true,
    permission: 'ReEncryptTo',
    encryptionContext: destinationContext,
    conditions: ALGORITHM,
  })
  requireEnabled(destination)
  const plaintext = openBlob(blob, source)
  try {
    if (input.isDryRun) throw new DryRunError()
    const sealed = sealUnder(destination, plaintext, destinationContext)
    return {
      CiphertextBlob: sealed.blob.toString('base64'),
      SourceKeyId: source.keyArn,
      KeyId: destination.arn,
      SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      SourceKeyMaterialId: source.materialId,
      DestinationKeyMaterialId: sealed.materialId,
    }
  } finally {
    plaintext.fill(0)
  }
}
