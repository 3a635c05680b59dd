/** What is needed of a KMS. Each call's plaintext is the callee's to give away: it is zeroed here. */

export interface DataKeySource {
  /** @param o.keyId as configured on the topic: qualifying it is the source's work */
  generateDataKey(o: {
    keyId: string
    topicArn: string
    principal: string
    purpose: 'issue'
  }): Promise<{ plaintext: Buffer; encryptedDataKey: Buffer; keyArn: string }>
  decrypt(o: {
    encryptedDataKey: Buffer
    keyArn: string
    topicArn: string
    principal: string
    purpose: 'share' | 'deliver' | 'reopen' | 'probe'
  }): Promise<Buffer>
}
