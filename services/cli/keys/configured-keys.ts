/** Which KMS keys topics are configured with: aliases are resolved by KMS, once each. */

import { type Catalog, scanTopicArns } from '#shared/catalog'
import { BrokerError } from '#shared/errors'
import { isKeyArn } from '#shared/kms-client'
import type { Redis } from '#shared/redis'

export interface ConfiguredKeys {
  /** ARNs of topics by ARN of the KMS key that their next data key comes from. */
  byKeyArn: ReadonlyMap<string, readonly string[]>
  /** Topics of which that cannot be told now. */
  unresolved: readonly { topicArn: string; keyId: string; reason: string }[]
}

/** The KMS key that an identifier stands for in a topic's account and region. */
export type ResolveKey = (keyId: string, topicArn: string) => Promise<{ keyArn: string }>

/** Topics read at once. */
const PAGE = 64

export async function readConfiguredKeys(o: {
  redis: Redis
  catalog: Pick<Catalog, 'readTopic'>
  resolveKey: ResolveKey
}): Promise<ConfiguredKeys> {
  const byKeyArn = new Map<string, string[]>()
  const unresolved: { topicArn: string; keyId: string; reason: string }[] = []
  const resolved = new Map<string, Promise<{ keyArn: string } | { reason: string } | undefined>>()

  for await (const found of scanTopicArns(o.redis)) {
    for (let at = 0; at < found.length; at += PAGE) {
      const page = found.slice(at, at + PAGE)
      const keyIds = await Promise.all(page.map(readKeyId))
      for (const [n, topicArn] of page.entries()) {
        const keyId = keyIds[n]
        if (keyId !== undefined) await note(topicArn, keyId)
      }
    }
  }
  return { byKeyArn, unresolved }

  async function readKeyId(topicArn: string): Promise<string | undefined> {
    try {
      return (await o.catalog.readTopic(topicArn))?.topic.attributes.kmsMasterKeyId
    } catch (error) {
      // No gateway publishes to a topic whose record does not verify.
      if (error instanceof BrokerError && error.code === 'RECORD_FORGED') return undefined
      throw error
    }
  }

  async function note(topicArn: string, keyId: string): Promise<void> {
    const place = topicArn.split(':').slice(1, 5).join(':')
    const name = `${place}\n${keyId}`
    const asking = resolved.get(name) ?? resolve(keyId, topicArn)
    resolved.set(name, asking)
    const answer = await asking
    if (answer === undefined) return
    if ('reason' in answer) {
      unresolved.push({ topicArn, keyId, reason: answer.reason })
      return
    }
    const topics = byKeyArn.get(answer.keyArn) ?? []
    topics.push(topicArn)
    byKeyArn.set(answer.keyArn, topics)
  }

  /** @returns undefined when there is no such key, and so nothing to disable */
  async function resolve(
    keyId: string,
    topicArn: string,
  ): Promise<{ keyArn: string } | { reason: string } | undefined> {
    if (isKeyArn(keyId)) return { keyArn: keyId }
    try {
      return await o.resolveKey(keyId, topicArn)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      return error.code === 'KMS_NOT_FOUND' ? undefined : { reason: error.code }
    }
  }
}
