/** What is needed of a KMS. Each call's plaintext is the callee's to give away: it is zeroed here. */

import type { PublisherGrounds } from './data-key-pair.ts'

export interface DataKeySource {
  /** @param o.keyId as configured on the topic: qualifying it is the source's work */
  generateDataKey(o: {
    keyId: string
    topicArn: string
    principal: string
    grounds?: PublisherGrounds | undefined
    purpose: 'issue'
  }): Promise<{ plaintext: Buffer; encryptedDataKey: Buffer; keyArn: string }>
  decrypt(o: {
    encryptedDataKey: Buffer
    keyArn: string
    topicArn: string
    principal: string
    grounds?: PublisherGrounds | undefined
    purpose: 'share' | 'deliver' | 'reopen' | 'probe'
    /** Epoch ms from which nothing is sealed with it; of `share`. */
    expiresAt?: number
  }): Promise<Buffer>
}
