/** What the commands about KMS keys work on: Redis with the records' MACs, and KMS, for the length of one command. */

import { setTimeout as delay } from 'node:timers/promises'
import { createCatalog } from '#shared/catalog'
import { systemClock } from '#shared/clock'
import { createRewrapStore } from '#shared/data-keys'
import { type KmsClient, openKmsClient } from '#shared/kms-client'
import { createKmsLedger } from '#shared/kms-ledger'
import { createRecordMac } from '#shared/record-mac'
import { readBrokerCredential, readRecordSecrets } from '#shared/secrets'
import { readPartitions } from '#shared/stream-log'
import type { KeysConfig } from '../config.ts'
import { withRedis } from '../with-redis.ts'
import { NothingStoredError } from './errors.ts'
import type { KeyUsageSources } from './key-usage.ts'
import type { RewrapOptions } from './rewrap-data-keys.ts'

/** Everything that both commands take. */
export type Deployment = Omit<KeyUsageSources, 'rewraps'> &
  Pick<RewrapOptions, 'rewraps' | 'reEncrypt'> & {
    rewraps: KeyUsageSources['rewraps'] & RewrapOptions['rewraps']
    describeKey: (keyId: string) => ReturnType<KmsClient['describeKey']>
  }

/**
 * @param o.warn told of what none of us wrote, and of what the ledger will lack
 * @throws {NothingStoredError} where no broker has run yet
 * @throws {SecretFileError} {RedisUnavailableError}
 */
export async function withDeployment<T>(
  config: KeysConfig,
  o: { warn: (text: string) => void },
  work: (deployment: Deployment) => Promise<T>,
): Promise<T> {
  const recordMac = createRecordMac(await readRecordSecrets(config.secretsDir))
  const clock = systemClock
  return withRedis(config.redisUrl, async (redis) => {
    const partitions = await readPartitions({ redis, recordMac })
    if (partitions === undefined) throw new NothingStoredError()
    const onForged = ({ kind, topicArn }: { kind: string; topicArn: string }) =>
      o.warn(`a stored record of kind ${kind} of ${topicArn} does not verify and is not trusted`)
    const ledger = createKmsLedger({
      redis,
      clock,
      onLost: (requests) => o.warn(`${requests} KMS requests will be missing in the ledger`),
      onForged,
    })
    await using kms = await openKmsClient(config.kms, {
      observe(request) {
        // One about no topic has no ledger to go to.
        if (!request.topicArn.endsWith(':')) ledger.record(request)
      },
      readCredential: () => readBrokerCredential(config.secretsDir),
    })
    try {
      return await work({
        redis,
        recordMac,
        partitions,
        catalog: createCatalog({ redis, recordMac, onForged }),
        rewraps: createRewrapStore({ redis, recordMac, onForged }),
        resolveKey: (keyId, topicArn) => {
          const [, , , , account = ''] = topicArn.split(':')
          return kms.describeKey({ keyId, topicArn, principal: rootOf(account) })
        },
        describeKey: (keyId) => {
          const [, , , region = config.region, account = config.accountId] = keyId.split(':')
          return kms.describeKey({ keyId, topicArn: `arn:aws:sns:${region}:${account}:`, principal: rootOf(account) })
        },
        reEncrypt: (call) => kms.reEncrypt({ ...call, actingFor: actingFor(call.fromKeyArn, config) }),
        onForged,
        clock,
        pause: delay,
      })
    } finally {
      await ledger.flush()
    }
  })
}

/**
 * In the local KMS the broker may re-encrypt in its own name within its own account; for the keys of another it speaks
 * for that account. Publishers need not exist any more.
 */
function actingFor(keyArn: string, { accountId }: KeysConfig): string | undefined {
  const account = keyArn.split(':')[4] ?? ''
  return account === accountId ? undefined : rootOf(account)
}

function rootOf(account: string): string {
  return `arn:aws:iam::${account}:root`
}
