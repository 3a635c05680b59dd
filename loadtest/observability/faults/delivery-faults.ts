/** Endpoints that refuse or never answer, records that somebody altered, and processes that stand still. */

import { sampledBitFlips } from '../../../services/test/forged-entries.ts'
import { createKey, createTopic, publish, subscribeAndConfirm } from '../../../services/test/messaging.ts'
import { topicKey } from '../../../services/test/redis-attacker.ts'
import type { ProcessName } from '../../../services/test/start-stack.ts'
import { untilStored } from '../../../services/test/stored-messages.ts'
import { repeat } from '../stage.ts'
import type { ProvokedFault } from './fault.ts'

const WORKERS = ['delivery', 'delivery-2'] as const

export const REFUSING_ENDPOINT: ProvokedFault = {
  name: 'an endpoint answers 403, another 500',
  feeds: ['notifications_failed', 'outcome="failed"', 'outcome="retry"', 'retries_', 'unhealthy'],
  alerts: ['SealcastDeliveriesFailed'],
  async provoke({ stack, cast }, { undo }) {
    for (const status of [403, 500]) {
      const topicArn = await createTopic(cast.admin)
      const subscriber = undo.use(await subscribeAndConfirm(stack, { sns: cast.admin, topicArn }))
      subscriber.answer = (_request, response) => response.writeHead(status).end()
      undo.use(repeat(500, () => publish(cast.admin, topicArn, 'refused')))
    }
  },
}

export const HANGING_ENDPOINT: ProvokedFault = {
  name: 'an endpoint never answers',
  feeds: ['backlog', 'slowest_endpoint'],
  alerts: ['SealcastBacklogGrowing'],
  async provoke({ stack, cast }, { undo }) {
    const topicArn = await createTopic(cast.admin)
    const subscriber = undo.use(await subscribeAndConfirm(stack, { sns: cast.admin, topicArn }))
    subscriber.answer = () => undefined
    undo.use(repeat(100, () => publish(cast.admin, topicArn, 'waiting')))
  },
}

export const FLIPPED_BIT: ProvokedFault = {
  name: 'a bit of a stored message is flipped',
  feeds: ['quarantine'],
  alerts: ['SealcastEntriesQuarantined'],
  async provoke({ stack, cast, kms, attacker }) {
    const topicArn = await createTopic(cast.admin, { KmsMasterKeyId: await createKey(kms) })
    // While workers stand still, messages wait where they can be reached.
    for (const name of WORKERS) stack.signal(name, 'SIGSTOP')
    try {
      const messageId = await publish(cast.admin, topicArn, 'genuine')
      const { partition, fields } = await untilStored(attacker.redis, messageId, 'stream')
      const forgery = sampledBitFlips(fields).find(({ name }) => name.startsWith('body'))
      await attacker.addEntries(partition, forgery === undefined ? [] : [forgery.fields])
    } finally {
      for (const name of WORKERS) stack.signal(name, 'SIGCONT')
    }
  },
}

export const FORGED_TOPIC: ProvokedFault = {
  name: 'somebody takes the key off a topic in Redis',
  feeds: ['records_forged'],
  alerts: ['SealcastRecordsForged'],
  async provoke({ cast, kms, attacker: { redis } }, { undo }) {
    const topicArn = await createTopic(cast.admin, { KmsMasterKeyId: await createKey(kms) })
    const record = String(await redis.hget(topicKey(topicArn), 'record'))
    await redis.hset(topicKey(topicArn), 'record', record.replace(/"kmsMasterKeyId":"[^"]*",?/, ''))
    // A gateway trusts for a second what it has read.
    undo.use(repeat(1_500, () => publish(cast.admin, topicArn, 'in clear')))
  },
}

const stopped =
  (names: readonly ProcessName[]): ProvokedFault['provoke'] =>
  async ({ stack }, { undo }) => {
    for (const name of names) stack.signal(name, 'SIGSTOP')
    undo.defer(() => {
      for (const name of names) stack.signal(name, 'SIGCONT')
    })
  }

export const STOPPED_WORKERS: ProvokedFault = {
  name: 'all workers stand still',
  feeds: ['partition_', 'backlog:entries', 'up{', 'up =='],
  alerts: [
    'SealcastPartitionWithoutOwner',
    'SealcastOldestEntryWaits',
    'SealcastBacklogGrowing',
    'SealcastNoWorker',
    'SealcastProcessDown',
  ],
  provoke: stopped(WORKERS),
}

export const STOPPED_GATEWAYS: ProvokedFault = {
  name: 'all gateways stand still',
  feeds: ['up{'],
  alerts: ['SealcastNoGateway'],
  provoke: stopped(['gateway', 'gateway-2']),
}
