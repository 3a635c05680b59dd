/**
 * Asks KMS for data keys: GenerateDataKey before sealing, Decrypt before opening; and, for operators, what a key
 * identifier stands for and a data key under another KMS key (operator-calls.ts).
 *
 * Each call is bounded as a whole by one deadline, over all attempts: the SDK has no time limit of
 * its own, and a publisher waits. To the local KMS the publisher travels in signed headers, so that it can
 * authorize the publisher although the broker signs (speak-for.ts); AWS KMS sees the broker's role alone, or the one that
 * the publisher was given (role-credentials.ts).
 * Every answer is checked: accept-answer.ts.
 *
 * Caching and single flight are not here; see data-keys. Breakers: guard-kms.ts.
 */

import { DecryptCommand, GenerateDataKeyCommand } from '@aws-sdk/client-kms'
import { type Clock, systemClock } from '#shared/clock'
import { acceptDecrypted, acceptGenerated, wipeAnswer } from './accept-answer.ts'
import type { RoleObserver } from './assume-role.ts'
import { createCaller, type KmsRequestObserver } from './caller.ts'
import { contextOf } from './encryption-context.ts'
import { createOperatorCalls, type OperatorCalls } from './operator-calls.ts'
import type { KmsPurpose } from './purposes.ts'
import { isKeyArn, placeOf, qualifyKeyId } from './qualify-key-id.ts'
import type { KmsAccess, KmsCredential } from './sdk-clients.ts'
import type { PublisherGrounds } from './speak-for.ts'

export type { KmsCredential, KmsRequestObserver, RoleObserver }

export interface KmsClient extends AsyncDisposable {
  /**
   * @param o.keyId any form of a topic's `KmsMasterKeyId`
   * @param o.principal the publisher's id: an ARN or a service's name, up to `#`
   * @param o.roleArn with AWS KMS: as whom to ask instead of the broker itself; with the publisher's session policy, if any
   * @returns plaintext: 32 bytes of the caller's own, to be zeroed by it; keyArn: of the key, also when an alias was given
   * @throws {BrokerError} one of errors.ts
   */
  generateDataKey(o: {
    keyId: string
    topicArn: string
    principal: string
    grounds?: PublisherGrounds | undefined
    roleArn?: string | undefined
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
    grounds?: PublisherGrounds | undefined
    roleArn?: string | undefined
    purpose: KmsPurpose
  }): Promise<Buffer>
  reEncrypt: OperatorCalls['reEncrypt']
  describeKey: OperatorCalls['describeKey']
  /**
   * Looks for AWS's credentials, as each call does by itself; with the local KMS there is nothing to look for.
   *
   * @throws {KmsCredentialsError} when there are none
   */
  findCredentials(): Promise<void>
}

interface KmsClientOptions {
  /** Called once for each request that was sent, retries included. */
  observe: KmsRequestObserver
  /** Called once for each time that a role was assumed, or was to be. */
  observeRole?: RoleObserver | undefined
  /** Accepts encrypted data keys that hold the key in clear, as mocks of KMS make them. Never in production. */
  acceptsUnsafe?: boolean
  connectTimeoutMs?: number
  /** Of a whole call. */
  deadlineMs?: number
  clock?: Clock
}

/** A client of the local KMS, which the broker asks on behalf of publishers. */
export function createKmsClient({
  endpoint,
  credential,
  ...o
}: KmsClientOptions & { endpoint: string; credential: KmsCredential }): KmsClient {
  return createClient({ ...o, access: { kind: 'local', endpoint, credential } })
}

/** A client of AWS KMS, which the broker asks as itself or in a role: endpoint and credentials are those the SDK finds. */
export function createAwsKmsClient(o: KmsClientOptions): KmsClient {
  return createClient({ ...o, access: { kind: 'aws' } })
}

function createClient(o: KmsClientOptions & { access: KmsAccess }): KmsClient {
  const acceptsUnsafe = o.acceptsUnsafe ?? false
  const caller = createCaller({
    access: o.access,
    observe: o.observe,
    observeRole: o.observeRole ?? (() => {}),
    clock: o.clock ?? systemClock,
    connectTimeoutMs: o.connectTimeoutMs ?? 1_000,
    deadlineMs: o.deadlineMs ?? 4_000,
  })
  return {
    generateDataKey: async ({ keyId, topicArn, principal, grounds, roleArn, purpose }) => {
      const { region } = placeOf(topicArn)
      // AWS looks bare forms up in the account of the role that asks: it knows no account of ours.
      const asked = o.access.kind === 'aws' ? keyId : qualifyKeyId(keyId, topicArn)
      return await caller.call({
        command: new GenerateDataKeyCommand({
          KeyId: asked,
          KeySpec: 'AES_256',
          EncryptionContext: contextOf(topicArn),
        }),
        operation: 'GenerateDataKey',
        key: isKeyArn(asked) ? asked : keyId,
        keyOf: ({ keyArn }) => keyArn,
        region,
        topicArn,
        principal,
        grounds,
        roleArn,
        purpose,
        accept: (output) => acceptGenerated(output, { asked, region, acceptsUnsafe }),
        discard: wipeAnswer,
      })
    },
    decrypt: ({ encryptedDataKey, keyArn, topicArn, principal, grounds, roleArn, purpose }) =>
      caller.call({
        command: new DecryptCommand({
          CiphertextBlob: encryptedDataKey,
          KeyId: keyArn,
          EncryptionContext: contextOf(topicArn),
        }),
        operation: 'Decrypt',
        key: keyArn,
        region: placeOf(topicArn).region,
        topicArn,
        principal,
        grounds,
        roleArn,
        purpose,
        accept: (output) => acceptDecrypted(output, keyArn),
        discard: wipeAnswer,
      }),
    ...createOperatorCalls({ caller, access: o.access }),
    findCredentials: () => caller.findCredentials(),
    async [Symbol.asyncDispose]() {
      caller.close()
    },
  }
}
