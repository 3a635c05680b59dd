/** A catalog on a Redis of the tests, with an account of its own. */

import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'
import { type Catalog, createCatalog, type Subscription, type Topic, topicArnOf } from '../index.ts'

export interface CatalogStage extends AsyncDisposable {
  redis: Redis
  catalog: Catalog
  alarms: unknown[]
  /** Of this stage alone. */
  account: string
  aTopic(o?: { name?: string; region?: string; attributes?: Topic['attributes'] }): Topic
  aSubscription(topic: Topic, more?: Partial<Subscription>): Subscription
}

let accounts = 0

export async function openCatalogStage(url: string): Promise<CatalogStage> {
  const redis = openRedis({ url, name: 'test' })
  await whenReady(redis)
  const ring = createSecretRing('0000000a', new Map([['0000000a', createSecretKey(Buffer.alloc(32, 7))]]))
  const alarms: unknown[] = []
  const account = String(++accounts).padStart(12, '0')
  return {
    redis,
    catalog: createCatalog({ redis, recordMac: createRecordMac(ring), onForged: (what) => alarms.push(what) }),
    alarms,
    account,
    aTopic: ({ name = randomUUID(), region = 'us-east-1', attributes = {} } = {}) => ({
      arn: topicArnOf({ region, account, name }),
      incarnation: randomBytes(16).toString('hex'),
      owner: account,
      createdAt: 1_767_225_600_000,
      attributes,
    }),
    aSubscription(topic, more = {}) {
      const id = randomUUID()
      return {
        id,
        topicArn: topic.arn,
        incarnation: topic.incarnation,
        protocol: 'https',
        endpoint: `https://example.com/${id}`,
        owner: account,
        principal: `arn:aws:iam::${account}:user/alice`,
        state: 'pending',
        confirmationWasAuthenticated: false,
        createdAt: 1_767_225_600_000,
        ...more,
      }
    },
    [Symbol.asyncDispose]: () => closeRedis(redis),
  }
}
