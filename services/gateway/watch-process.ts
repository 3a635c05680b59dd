/** What a gateway looks at once a process, whatever its threads: how Redis is, and how many data keys are live. */

import type { Clock } from '#shared/clock'
import type { Log } from '#shared/log'
import { keepSampling } from '#shared/metrics'
import { closeRedis, countReplicas, openRedis, type Redis, readServerState, whenReady } from '#shared/redis'
import { readPartitionStates } from '#shared/stream-log'
import type { GatewayConfig } from './config.ts'
import type { GatewayMetrics } from './metrics.ts'
import type { RedisGauges } from './redis-gauges.ts'
import { createSampleRedis } from './sample-redis.ts'
import { COMMAND_TIMEOUT_MS, type ServingParts } from './serve.ts'
import { watchActivePairs } from './watch-active-pairs.ts'

/** Between two looks at what Redis holds, for metrics. */
const SAMPLE_PAUSE_MS = 5_000

/** To be disposed of before the connection of the parts is closed. */
export async function watchProcess(
  { redis, partitions, countActivePairs }: ServingParts,
  o: { config: GatewayConfig; clock: Clock; log: Log; count: GatewayMetrics; redisGauges: RedisGauges },
): Promise<AsyncDisposable> {
  const { config, clock, log, count, redisGauges } = o
  if (config.redisWait.replicas > 0) await warnOfTooFewReplicas(redis, config.redisWait, log)
  redisGauges.partitionCount(partitions)
  const connection = openRedis({
    url: config.redisUrl,
    name: 'gateway-samples',
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
  })
  const sampling = keepSampling(
    createSampleRedis({
      untilReady: () => whenReady(connection, AbortSignal.timeout(COMMAND_TIMEOUT_MS)),
      readServer: () => readServerState(connection),
      readPartitions: () => readPartitionStates({ redis: connection, partitions }),
      gauges: redisGauges,
    }),
    { pauseMs: SAMPLE_PAUSE_MS, onFailure: (error) => log.warn('redis.sample-failed', {}, error) },
  )
  count.dataKeyReuse(config.dataKeyReuseMs)
  const pairWatch = watchActivePairs({
    count: countActivePairs,
    clock,
    reuseMs: config.dataKeyReuseMs,
    onCount: count.activePairs,
  })
  return {
    async [Symbol.asyncDispose]() {
      pairWatch[Symbol.dispose]()
      // The connection first: a look that Redis keeps waiting ends with it.
      await closeRedis(connection)
      await sampling[Symbol.asyncDispose]()
    },
  }
}

async function warnOfTooFewReplicas(redis: Redis, { replicas }: { replicas: number }, log: Log): Promise<void> {
  // A user of Redis that may not ask is no reason not to start.
  const connected = await countReplicas(redis).catch(() => undefined)
  if (connected === undefined || connected < replicas)
    log.warn('redis.too-few-replicas', { required: replicas, connected })
}
