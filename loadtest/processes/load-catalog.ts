/** Fills a catalog through its own module, so that records are those the gateway would write, without 100,000 requests. */

import { randomBytes, randomUUID } from 'node:crypto'
import { createCatalog, topicArnOf } from '#shared/catalog'
import { createRecordMac } from '#shared/record-mac'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { readRecordSecrets } from '#shared/secrets'
import { serveParent } from './serve-parent.ts'

export type LoadCatalog = {
  /**
   * Of each topic's subscriptions the first is confirmed, raw, and leads to `endpoint`; the others are pending.
   *
   * @returns the topics' ARNs
   */
  load(o: {
    redisUrl: string
    secretsDir: string
    region: string
    account: string
    topics: number
    subscriptionsEach: number
    endpoint: string
  }): Promise<string[]>
}

const AT_ONCE = 64

const calls: LoadCatalog = {
  async load(o) {
    await using undo = new AsyncDisposableStack()
    const redis = openRedis({ url: o.redisUrl, name: 'bench', commandTimeoutMs: 30_000 })
    undo.defer(() => closeRedis(redis))
    await whenReady(redis)
    const catalog = createCatalog({
      redis,
      recordMac: createRecordMac(await readRecordSecrets(o.secretsDir)),
      onForged: ({ topicArn }) => {
        throw new Error(`A record of ${topicArn} does not verify`)
      },
    })
    const owner = o.account
    const principal = `arn:aws:iam::${o.account}:root`
    const createdAt = Date.now()
    const arns = Array.from({ length: o.topics }, (_, index) =>
      // Names of one length, so that requests are too.
      topicArnOf({ region: o.region, account: o.account, name: `many-${String(index).padStart(6, '0')}` }),
    )

    const loadTopic = async (arn: string) => {
      const incarnation = randomBytes(16).toString('hex')
      await catalog.createTopic({ arn, incarnation, owner, createdAt, attributes: {} })
      for (let index = 0; index < o.subscriptionsEach; index++) {
        const stored = await catalog.putSubscription(
          {
            id: randomUUID(),
            topicArn: arn,
            incarnation,
            protocol: 'http',
            endpoint: index === 0 ? o.endpoint : `${o.endpoint}/${index}`,
            owner,
            principal,
            state: index === 0 ? 'confirmed' : 'pending',
            confirmationWasAuthenticated: false,
            createdAt,
            ...(index === 0 ? { rawMessageDelivery: true } : {}),
          },
          { expect: 'absent' },
        )
        if (!stored) throw new Error(`A subscription of ${arn} was not stored`)
      }
    }
    let next = 0
    const lane = async () => {
      for (let arn = arns[next++]; arn !== undefined; arn = arns[next++]) await loadTopic(arn)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
    return arns
  },
}

serveParent(calls)
