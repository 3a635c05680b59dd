/**
 * Stands between the gateway's data keys and AWS KMS: no data key is sealed with for a publisher whose policies do
 * not allow it.
 *
 * A topic that names its key by ARN is decided before KMS is asked. An alias or a key id means a key of the broker's
 * account, which only KMS can tell: its answer to GenerateDataKey does, without a DescribeKey of its own, so the first
 * answer is decided about before anything is sealed with it and wiped if it is refused; what it named is remembered for
 * the time that a data key is used, so that the next refusal asks nothing.
 *
 * For a publisher that was given a role for KMS nothing is decided here: AWS KMS is asked in that role, and decides.
 */

import type { Clock } from '#shared/clock'
import type { DataKeySource } from '#shared/data-keys'
import { isKeyArn, KmsAccessDeniedError } from '#shared/kms-client'
import { createLruMap } from '#shared/lru-map'
import type { Principal } from '#shared/principals'
import { requireDataKeyPermission } from './require-permission.ts'

/** Far more than topics that are refused at once. */
const MAX_NAMES = 10_000

/** What asks AWS KMS, as the broker or in a role. */
export interface RoleTaking {
  generateDataKey(o: Call<'generateDataKey'> & InRole): ReturnType<DataKeySource['generateDataKey']>
  decrypt(o: Call<'decrypt'> & InRole): ReturnType<DataKeySource['decrypt']>
}

type Call<Name extends keyof DataKeySource> = Parameters<DataKeySource[Name]>[0]
type InRole = { readonly roleArn?: string | undefined }

/** @param o.rememberMs how long an alias or id is taken for the key it stood for */
export function permitDataKeys(
  kms: RoleTaking,
  o: { findPublisher: (id: string) => Principal | undefined; clock: Clock; rememberMs: number },
): DataKeySource {
  const named = createLruMap<{ keyArn: string; until: number }>(MAX_NAMES)

  const find = (publisher: string): Principal => {
    const principal = o.findPublisher(publisher)
    if (principal === undefined) throw new KmsAccessDeniedError('Cannot obtain a data key: the publisher is not known')
    return principal
  }
  const require = (principal: Principal, use: { keyArn: string; keyId: string; topicArn: string }): void =>
    requireDataKeyPermission(principal, { ...use, now: o.clock.now() })
  const keyArnOf = (name: string, keyId: string): string | undefined => {
    if (isKeyArn(keyId)) return keyId
    const known = named.get(name)
    return known !== undefined && o.clock.now() < known.until ? known.keyArn : undefined
  }
  return {
    async generateDataKey(call) {
      const { keyId, topicArn } = call
      const principal = find(call.principal)
      const { kmsRoleArn: roleArn } = principal
      if (roleArn !== undefined) return await kms.generateDataKey({ ...call, roleArn })
      const name = `${topicArn.split(':')[3]} ${keyId}`
      const expected = keyArnOf(name, keyId)
      if (expected !== undefined) require(principal, { keyArn: expected, keyId, topicArn })
      const generated = await kms.generateDataKey(call)
      const { keyArn } = generated
      if (keyArn === expected) return generated
      try {
        named.set(name, { keyArn, until: o.clock.now() + o.rememberMs })
        require(principal, { keyArn, keyId, topicArn })
        return generated
      } catch (error) {
        generated.plaintext.fill(0)
        throw error
      }
    },
    async decrypt(call) {
      const { keyArn, topicArn } = call
      const principal = find(call.principal)
      const { kmsRoleArn: roleArn } = principal
      if (roleArn !== undefined) return await kms.decrypt({ ...call, roleArn })
      require(principal, { keyArn, keyId: keyArn, topicArn })
      return await kms.decrypt(call)
    },
  }
}
