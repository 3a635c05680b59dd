/** A KMS for tests: counts calls, opens only what it issued under the same context, fails and stalls when told. */

import { randomBytes } from 'node:crypto'
import { BrokerError } from '#shared/errors'
import type { DataKeySource } from './data-key-source.ts'

export class FakeKmsError extends BrokerError {
  override readonly code: string
  override readonly fault = 'sender'
  override readonly retryable: boolean

  constructor(code: string, { retryable = false }: { retryable?: boolean } = {}) {
    super(`Cannot do it: ${code}`)
    this.code = code
    this.retryable = retryable
  }
}

export interface FakeDataKeySource extends DataKeySource {
  /** Calls so far, failed ones too, in order. */
  readonly calls: { operation: 'GenerateDataKey' | 'Decrypt'; purpose: string; keyId: string; principal: string }[]
  count(operation: 'GenerateDataKey' | 'Decrypt'): number
  /** Every plaintext buffer handed out: must be zero once its receiver is done. */
  readonly handedOut: Buffer[]
  /** What calls of the operation throw from now on; undefined: they work. */
  fail(operation: 'GenerateDataKey' | 'Decrypt', error: Error | undefined): void
  /** Calls wait until `release`. */
  stall(): { release(): void }
}

/** @param onCall runs at each call, e.g. to let a simulated clock pass */
export function createFakeDataKeySource({ onCall }: { onCall?: () => void } = {}): FakeDataKeySource {
  const issued = new Map<string, { plaintext: Buffer; keyArn: string; topicArn: string }>()
  const failures = new Map<string, Error | undefined>()
  let stalled: Promise<void> | undefined
  const calls: FakeDataKeySource['calls'] = []
  const handedOut: Buffer[] = []

  async function begin(call: FakeDataKeySource['calls'][number]): Promise<void> {
    calls.push(call)
    await stalled
    onCall?.()
    const failure = failures.get(call.operation)
    if (failure !== undefined) throw failure
  }

  function handOut(plaintext: Buffer): Buffer {
    const copy = Buffer.alloc(plaintext.byteLength)
    copy.set(plaintext)
    handedOut.push(copy)
    return copy
  }

  return {
    calls,
    handedOut,
    count: (operation) => calls.filter((call) => call.operation === operation).length,
    fail: (operation, error) => void failures.set(operation, error),
    stall() {
      const { promise, resolve } = Promise.withResolvers<void>()
      stalled = promise
      return {
        release() {
          stalled = undefined
          resolve()
        },
      }
    },
    async generateDataKey({ keyId, topicArn, principal, purpose }) {
      await begin({ operation: 'GenerateDataKey', purpose, keyId, principal })
      const plaintext = randomBytes(32)
      const encryptedDataKey = randomBytes(184)
      const keyArn = `arn:aws:kms:us-east-1:000000000000:key/${keyId.replace('alias/', '')}`
      issued.set(encryptedDataKey.toString('hex'), { plaintext, keyArn, topicArn })
      return { plaintext: handOut(plaintext), encryptedDataKey, keyArn }
    },
    async decrypt({ encryptedDataKey, keyArn, topicArn, principal, purpose }) {
      await begin({ operation: 'Decrypt', purpose, keyId: keyArn, principal })
      const known = issued.get(encryptedDataKey.toString('hex'))
      if (known === undefined || known.keyArn !== keyArn || known.topicArn !== topicArn) {
        throw new FakeKmsError('KMS_INTEGRITY')
      }
      return handOut(known.plaintext)
    },
  }
}
