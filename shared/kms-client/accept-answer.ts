/**
 * What is accepted of KMS's answers: that they are for the question, have the form of a data key, and
 * that its encrypted form does not give the key away.
 *
 * What is sealed under a wrong answer could never be opened again, or by anybody who reads Redis. The
 * plaintexts are copied out of the SDK's buffers and never become strings here, which cannot be wiped.
 */

import type {
  DecryptCommandOutput,
  DescribeKeyCommandOutput,
  GenerateDataKeyCommandOutput,
  ReEncryptCommandOutput,
} from '@aws-sdk/client-kms'
import { KmsIntegrityError } from './errors.ts'
import { placeOf } from './qualify-key-id.ts'
import { revealsKey } from './reveals-key.ts'

/** AES_256, in bytes. */
const DATA_KEY_BYTES = 32

/** The longest ciphertext of KMS's model, in bytes. */
const MAX_CIPHERTEXT_BYTES = 6144

/**
 * @param o.asked the key identifier as it was sent
 * @param o.region where it was sent
 * @param o.acceptsUnsafe whether an encrypted data key may hold the key in clear
 * @throws {KmsIntegrityError}
 */
export function acceptGenerated(
  output: GenerateDataKeyCommandOutput,
  o: { asked: string; region: string; acceptsUnsafe: boolean },
): { plaintext: Buffer; encryptedDataKey: Buffer; keyArn: string } {
  const { CiphertextBlob: ciphertext, KeyId: keyArn, Plaintext: plaintext } = output
  if (keyArn === undefined || !canStandFor(o.asked, o.region, keyArn)) {
    throw new KmsIntegrityError('Cannot use the data key: KMS answered for another key')
  }
  if (ciphertext === undefined || ciphertext.byteLength === 0 || ciphertext.byteLength > MAX_CIPHERTEXT_BYTES) {
    throw new KmsIntegrityError('Cannot use the data key: KMS sent no encrypted form of it')
  }
  requireDataKey(plaintext)
  if (!o.acceptsUnsafe && revealsKey(ciphertext, plaintext)) {
    throw new KmsIntegrityError(
      'Cannot use the data key: its encrypted form holds it in clear, so this is no KMS but a mock of one ' +
        '(SEALCAST_DEV_UNSAFE_KMS=1 accepts it, for development only)',
    )
  }
  const encryptedDataKey = Buffer.from(ciphertext)
  return { plaintext: ownCopy(plaintext), encryptedDataKey, keyArn }
}

/** @throws {KmsIntegrityError} */
export function acceptDecrypted(output: DecryptCommandOutput, keyArn: string): Buffer {
  const { KeyId: usedArn, Plaintext: plaintext } = output
  if (usedArn !== keyArn) throw new KmsIntegrityError('Cannot use the data key: KMS decrypted with another key')
  requireDataKey(plaintext)
  return ownCopy(plaintext)
}

/**
 * Without the plaintext nobody can tell here whether the answer gives the key away; that KMS was asked by way of
 * GenerateDataKey before, whose answer did not.
 *
 * @throws {KmsIntegrityError}
 */
export function acceptReEncrypted(
  { CiphertextBlob: ciphertext, SourceKeyId: fromKeyArn, KeyId: toKeyArn }: ReEncryptCommandOutput,
  asked: { fromKeyArn: string; toKeyArn: string },
): Buffer {
  if (fromKeyArn !== asked.fromKeyArn || toKeyArn !== asked.toKeyArn) {
    throw new KmsIntegrityError('Cannot use the re-encrypted data key: KMS answered for other keys')
  }
  if (ciphertext === undefined || ciphertext.byteLength === 0 || ciphertext.byteLength > MAX_CIPHERTEXT_BYTES) {
    throw new KmsIntegrityError('Cannot use the re-encrypted data key: KMS sent none')
  }
  return Buffer.from(ciphertext)
}

/** @throws {KmsIntegrityError} */
export function acceptDescribed(
  { KeyMetadata: metadata }: DescribeKeyCommandOutput,
  { asked, region }: { asked: string; region: string },
): { keyArn: string; state: string } {
  const { Arn: keyArn, KeyState: state } = metadata ?? {}
  if (keyArn === undefined || state === undefined || !canStandFor(asked, region, keyArn)) {
    throw new KmsIntegrityError('Cannot use the description of a key: KMS answered for another key')
  }
  return { keyArn, state }
}

/** Zeroes the SDK's buffer, which is a view on memory it shares with other answers. */
export function wipeAnswer(output: { Plaintext?: Uint8Array | undefined }): void {
  output.Plaintext?.fill(0)
}

/**
 * Tells whether a key can be the one that was asked for: a key ARN stands only for itself, a key id for
 * the key of that id, an alias for any key of its account and region.
 *
 * @param region where bare forms are looked up
 */
export function canStandFor(asked: string, region: string, keyArn: string): boolean {
  if (asked.includes(':key/')) return asked === keyArn
  const used = placeOf(keyArn)
  const named = asked.startsWith('arn:') ? placeOf(asked) : { ...used, region }
  const prefix = `arn:${named.partition}:kms:${named.region}:${named.account}:key/`
  return asked.includes('alias/') ? keyArn.startsWith(prefix) : keyArn === `${prefix}${asked}`
}

function requireDataKey(plaintext: Uint8Array | undefined): asserts plaintext is Uint8Array {
  if (plaintext?.byteLength !== DATA_KEY_BYTES) {
    throw new KmsIntegrityError(`Cannot use the data key: it must have ${DATA_KEY_BYTES} bytes`)
  }
}

function ownCopy(plaintext: Uint8Array): Buffer {
  // Not Buffer.from: that would take the copy from a pool shared with others.
  const copy = Buffer.alloc(plaintext.byteLength)
  copy.set(plaintext)
  return copy
}
