/**
 * Seals distinct messages of 1 KiB for a while, in one of two ways: as `seal-and-append.ts` calls our envelope, or
 * with the AWS Encryption SDK: a caching materials manager over a raw AES keyring, so that neither asks a KMS.
 *
 * The SDK's suite is the committed one without a signature: its default adds an ECDSA signature to each message,
 * which ours has no counterpart of. It is asked for several messages at once, in case that is faster.
 */

import { randomBytes, randomUUID } from 'node:crypto'
import {
  getLocalCryptographicMaterialsCache,
  NodeCachingMaterialsManager,
} from '@aws-crypto/caching-materials-manager-node'
import { buildEncrypt } from '@aws-crypto/encrypt-node'
import { AlgorithmSuiteIdentifier, CommitmentPolicy } from '@aws-crypto/material-management-node'
import { RawAesKeyringNode, RawAesWrappingSuiteIdentifier } from '@aws-crypto/raw-aes-keyring-node'
import { deriveDataKey, type EnvelopeContext, open, seal } from '#shared/envelope'
import { makeMessage } from '../harness/prepare-requests.ts'
import { rateOf } from './rate-of.ts'
import { serveParent } from './serve-parent.ts'

export type SealLoop = {
  /** @returns messages a second */
  ours(o: { seconds: number }): number
  /** Opens envelopes sealed beforehand. */
  open(o: { seconds: number }): number
  aws(o: { seconds: number; atOnce: number }): Promise<number>
}

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:orders'
const PRINCIPAL = 'arn:aws:iam::000000000000:user/bench'
const ACCEPTED_AT = 1_767_225_600_000
/** Made beforehand; many more than any cache line or branch predictor remembers. */
const MESSAGES = 4096

const messages = Array.from({ length: MESSAGES }, (_, index) => ({
  id: randomUUID(),
  body: Buffer.from(makeMessage(index), 'utf8'),
  // Each of a time of its own: headers of one millisecond share a digest, and so many of one a gateway never sees.
  header: { attributes: [], acceptedAt: ACCEPTED_AT + index },
}))

function contextOf({ id, header }: (typeof messages)[number]): EnvelopeContext {
  return { topicArn: TOPIC, messageId: id, principal: PRINCIPAL, header }
}

const dataKey = deriveDataKey(randomBytes(16), randomBytes(32))
const { encrypt } = buildEncrypt(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
const keyring = new RawAesKeyringNode({
  keyName: 'bench',
  keyNamespace: 'bench',
  unencryptedMasterKey: randomBytes(32),
  wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
})
const materials = new NodeCachingMaterialsManager({
  backingMaterials: keyring,
  cache: getLocalCryptographicMaterialsCache(100),
  maxAge: 300_000,
  maxMessagesEncrypted: 2 ** 30,
})

const calls: SealLoop = {
  ours({ seconds }) {
    return rateOf(seconds, messages, (message) => void seal(message.body, { dataKey, context: contextOf(message) }))
  },
  open({ seconds }) {
    const sealed = messages.map((message) => {
      const context = contextOf(message)
      return { context, envelope: seal(message.body, { dataKey, context }) }
    })
    return rateOf(seconds, sealed, ({ envelope, context }) => void open(envelope, { dataKey, context }))
  },
  async aws({ seconds, atOnce }) {
    const startedAt = performance.now()
    const until = startedAt + seconds * 1000
    let count = 0
    const lane = async () => {
      while (performance.now() < until) {
        const message = messages[count++ % MESSAGES]
        if (message === undefined) return
        await encrypt(materials, message.body, {
          suiteId: AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY,
          encryptionContext: { 'aws:sns:topicArn': TOPIC },
        })
      }
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
    return count / ((performance.now() - startedAt) / 1000)
  },
}

serveParent(calls)
