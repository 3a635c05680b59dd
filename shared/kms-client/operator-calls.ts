/**
 * What is asked of KMS about keys rather than for a message: what an identifier stands for, and, for an operator who
 * retires a key, a data key encrypted under another KMS key, whose plaintext stays in KMS.
 *
 * The local KMS lets the broker re-encrypt in its own name, within its own account: publishers may be gone by then.
 */

import { DescribeKeyCommand, ReEncryptCommand } from '@aws-sdk/client-kms'
import { acceptDescribed, acceptReEncrypted } from './accept-answer.ts'
import type { Caller } from './caller.ts'
import { contextOf } from './encryption-context.ts'
import { isKeyArn, placeOf, qualifyKeyId } from './qualify-key-id.ts'
import type { KmsAccess } from './sdk-clients.ts'

export interface OperatorCalls {
  /**
   * Purpose `rewrap`.
   *
   * @param o.fromKeyArn the key that must have encrypted it
   * @param o.principal ARN of the publisher to whom the data key was issued
   * @param o.actingFor whom the broker speaks for; undefined: for itself
   * @returns the same data key, encrypted under `toKeyArn`
   * @throws {BrokerError} one of errors.ts
   */
  reEncrypt(o: {
    encryptedDataKey: Buffer
    fromKeyArn: string
    toKeyArn: string
    topicArn: string
    principal: string
    actingFor?: string | undefined
  }): Promise<Buffer>
  /**
   * Purpose `describe`. The local KMS makes the key that `alias/aws/sns` stands for when SNS first asks about it.
   *
   * @param o.keyId any form of a topic's `KmsMasterKeyId`
   * @param o.topicArn of the topic, or with an empty name of the account and region in which bare forms are looked up;
   *   AWS KMS looks them up in the account of the broker's role
   * @param o.principal ARN of who gave the topic its key, or of an account's root
   * @throws {BrokerError} one of errors.ts
   */
  describeKey(o: { keyId: string; topicArn: string; principal: string }): Promise<{ keyArn: string; state: string }>
}

export function createOperatorCalls({ caller, access }: { caller: Caller; access: KmsAccess }): OperatorCalls {
  return {
    reEncrypt: ({ encryptedDataKey, fromKeyArn, toKeyArn, topicArn, principal, actingFor }) =>
      caller.call({
        command: new ReEncryptCommand({
          CiphertextBlob: encryptedDataKey,
          SourceKeyId: fromKeyArn,
          SourceEncryptionContext: contextOf(topicArn),
          DestinationKeyId: toKeyArn,
          DestinationEncryptionContext: contextOf(topicArn),
        }),
        operation: 'ReEncrypt',
        // One request, of which KMS tells both keys: it is the old one's data key.
        key: fromKeyArn,
        region: placeOf(fromKeyArn).region,
        topicArn,
        principal,
        actingFor,
        purpose: 'rewrap',
        accept: (output) => acceptReEncrypted(output, { fromKeyArn, toKeyArn }),
        discard: () => {},
      }),
    async describeKey({ keyId, topicArn, principal }) {
      const { region } = placeOf(topicArn)
      const asked = access.kind === 'aws' ? keyId : qualifyKeyId(keyId, topicArn)
      return caller.call({
        command: new DescribeKeyCommand({ KeyId: asked }),
        operation: 'DescribeKey',
        key: isKeyArn(asked) ? asked : keyId,
        keyOf: ({ keyArn }) => keyArn,
        region,
        topicArn,
        principal,
        purpose: 'describe',
        accept: (output) => acceptDescribed(output, { asked, region }),
        discard: () => {},
      })
    },
  }
}
