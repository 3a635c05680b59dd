/**
 * Asks KMS for data keys: GenerateDataKey before sealing, Decrypt before opening.
 *
 * Each call is bounded as a whole by one deadline, over all attempts: the SDK has no time limit of
 * its own, and a publisher waits. The publisher's ARN travels in a signed header, so that the local
 * KMS can authorize the publisher although the broker signs. Every answer is checked against the
 * question: other key, other length or no ciphertext is an integrity error, since what is sealed
 * under a wrong answer could never be opened again.
 *
 * Caching and single flight are not here; see data-keys. Breakers: guard-kms.ts.
 */

import {
  DecryptCommand,
  type DecryptCommandOutput,
  GenerateDataKeyCommand,
  type GenerateDataKeyCommandOutput,
} from '@aws-sdk/client-kms'
import { createCaller, type KmsCredential, type KmsRequestObserver } from './caller.ts'
import { KmsIntegrityError } from './errors.ts'
import type { KmsPurpose } from './purposes.ts'
import { placeOf, qualifyKeyId } from './qualify-key-id.ts'

export type { KmsCredential, KmsRequestObserver }

export interface KmsClient extends AsyncDisposable {
  /**
   * @param o.keyId any form of a topic's `KmsMasterKeyId`
   * @param o.principal ARN of the publisher
   * @returns plaintext: 32 bytes of the caller's own, to be zeroed by it; keyArn: of the key, also when an alias was given
   * @throws {BrokerError} one of errors.ts
   */
  generateDataKey(o: {
    keyId: string
    topicArn: string
    principal: string
    purpose: KmsPurpose
  }): Promise<{ plaintext: Buffer; encryptedDataKey: Buffer; keyArn: string }>
  /**
   * @param o.keyArn the key that must have encrypted it
   * @returns 32 bytes of the caller's own, to be zeroed by it
   * @throws {BrokerError} one of errors.ts
   */
  decrypt(o: {
    encryptedDataKey: Buffer
    keyArn: string
    topicArn: string
    principal: string
    purpose: KmsPurpose
  }): Promise<Buffer>
}

/** AES_256, in bytes. */
const DATA_KEY_BYTES = 32

/** The longest ciphertext of KMS's model, in bytes. */
const MAX_CIPHERTEXT_BYTES = 6144

/**
 * @param o.observe called once for each request that was sent, retries included
 * @param o.deadlineMs of a whole call
 */
export function createKmsClient(o: {
  endpoint: string
  credential: KmsCredential
  observe: KmsRequestObserver
  connectTimeoutMs?: number
  deadlineMs?: number
}): KmsClient {
  const caller = createCaller({
    endpoint: o.endpoint,
    credential: o.credential,
    observe: o.observe,
    connectTimeoutMs: o.connectTimeoutMs ?? 1_000,
    deadlineMs: o.deadlineMs ?? 4_000,
  })
  return {
    generateDataKey: ({ keyId, topicArn, principal, purpose }) => {
      const qualified = qualifyKeyId(keyId, topicArn)
      return caller.call({
        command: new GenerateDataKeyCommand({
          KeyId: qualified,
          KeySpec: 'AES_256',
          EncryptionContext: contextOf(topicArn),
        }),
        operation: 'GenerateDataKey',
        region: placeOf(topicArn).region,
        topicArn,
        principal,
        purpose,
        accept: (output) => acceptGenerated(output, qualified),
        discard: wipe,
      })
    },
    decrypt: ({ encryptedDataKey, keyArn, topicArn, principal, purpose }) =>
      caller.call({
        command: new DecryptCommand({
          CiphertextBlob: encryptedDataKey,
          KeyId: keyArn,
          EncryptionContext: contextOf(topicArn),
        }),
        operation: 'Decrypt',
        region: placeOf(topicArn).region,
        topicArn,
        principal,
        purpose,
        accept: (output) => acceptDecrypted(output, keyArn),
        discard: wipe,
      }),
    async [Symbol.asyncDispose]() {
      caller.close()
    },
  }
}

/** SNS's own encryption context: what key policies for SNS topics are written against. */
function contextOf(topicArn: string): Record<string, string> {
  return { 'aws:sns:topicArn': topicArn }
}

function acceptGenerated(output: GenerateDataKeyCommandOutput, asked: string) {
  const { CiphertextBlob: ciphertext, KeyId: keyArn } = output
  if (keyArn === undefined || !answersFor(asked, keyArn)) {
    throw new KmsIntegrityError('Cannot use the data key: KMS answered for another key')
  }
  if (ciphertext === undefined || ciphertext.byteLength === 0 || ciphertext.byteLength > MAX_CIPHERTEXT_BYTES) {
    throw new KmsIntegrityError('Cannot use the data key: KMS sent no encrypted form of it')
  }
  return { plaintext: ownCopy(output.Plaintext), encryptedDataKey: Buffer.from(ciphertext), keyArn }
}

function acceptDecrypted(output: DecryptCommandOutput, keyArn: string): Buffer {
  if (output.KeyId !== keyArn) throw new KmsIntegrityError('Cannot use the data key: KMS decrypted with another key')
  return ownCopy(output.Plaintext)
}

/** An alias may stand for any key of its account and region; a key ARN only for itself. */
function answersFor(asked: string, keyArn: string): boolean {
  if (asked.includes(':key/')) return asked === keyArn
  const { partition, region, account } = placeOf(asked)
  return keyArn.startsWith(`arn:${partition}:kms:${region}:${account}:key/`)
}

/** Copies out of the SDK's buffer, which is a view on memory it shares with other answers. */
function ownCopy(plaintext: Uint8Array | undefined): Buffer {
  if (plaintext?.byteLength !== DATA_KEY_BYTES) {
    throw new KmsIntegrityError(`Cannot use the data key: it must have ${DATA_KEY_BYTES} bytes`)
  }
  // Not Buffer.from: that would take the copy from a pool shared with others too.
  const copy = Buffer.alloc(DATA_KEY_BYTES)
  copy.set(plaintext)
  return copy
}

function wipe(output: { Plaintext?: Uint8Array | undefined }): void {
  output.Plaintext?.fill(0)
}
