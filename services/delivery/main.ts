/** The delivery worker's process: wiring only. */

import { readFile } from 'node:fs/promises'
import { openBrokerKms } from '#shared/broker-kms'
import { createCatalog } from '#shared/catalog'
import { systemClock } from '#shared/clock'
import { withFileSettings } from '#shared/config'
import { createOpeningKeys, createRewrapStore, followRewraps } from '#shared/data-keys'
import { keepInspectorShut, notifyReady, reportCrashes, shutdownSignal } from '#shared/lifecycle'
import { createLog } from '#shared/log'
import { createMembership } from '#shared/membership'
import { createCertificateGauge, createMetrics, keepSampling, serveMetrics } from '#shared/metrics'
import { createSubscriptionRate } from '#shared/rate-limit'
import { createRecordMac } from '#shared/record-mac'
import { closeRedis, openRedis } from '#shared/redis'
import { countWaitingRetries, createRetrySchedule } from '#shared/retry-schedule'
import { readBrokerCredential, readRecordSecrets, readSigningIdentity, readTokenSecrets } from '#shared/secrets'
import { acquireLease, countBacklogMessages, keys, readLeaseLives, watchMeta } from '#shared/stream-log'
import { createAdmit } from './admit.ts'
import { createAttemptDelivery } from './attempt.ts'
import { createCompose } from './compose.ts'
import { readDeliveryConfig } from './config.ts'
import { createConfirmationLimiter } from './confirmation-limiter.ts'
import { runDeliveryLoop } from './delivery-loop.ts'
import { createEndpoints, watchEndpoints } from './endpoints/endpoints.ts'
import { createFirstAttempt } from './first-attempt.ts'
import { createHandleEntry } from './handle-entry.ts'
import { createKeyWatch, keepProbing } from './held/key-watch.ts'
import { createBudget } from './in-flight-budget.ts'
import { MAX_IN_FLIGHT, MAX_RETRIES_PER_PARTITION } from './limits.ts'
import { createDeliveryMetrics } from './metrics.ts'
import { createOpenBody } from './open.ts'
import { startPartitionPool } from './partition-pool.ts'
import { createHttpSender } from './protocols/https.ts'
import { createSubscriberTrust } from './protocols/subscriber-trust.ts'
import { createReopen } from './reopen.ts'
import { createRetryProcessor } from './retry.ts'
import { rollCallTimes } from './roll-call.ts'
import { createSampleWaiting } from './sample-waiting.ts'
import { createSign } from './sign.ts'
import { createTopicCache } from './topic-cache.ts'
import { waitForMeta } from './wait-for-meta.ts'

/** Between two looks at what waits in the partitions, for metrics. */
const SAMPLE_PAUSE_MS = 5_000

const clock = systemClock
const log = createLog({ service: 'delivery' })
reportCrashes(log)
keepInspectorShut(log)
const config = readDeliveryConfig(withFileSettings(process.env))
const shutdown = shutdownSignal()
const metrics = createMetrics({ service: 'delivery' })
const count = createDeliveryMetrics(metrics, clock)
const certificatesInUse = createCertificateGauge(metrics)

const recordMac = createRecordMac(await readRecordSecrets(config.secretsDir))
const tokenSecrets = await readTokenSecrets(config.secretsDir)
const signing = await readSigningIdentity(config.secretsDir)
const onForged = ({ kind, ...what }: { kind: string; topicArn?: string; partition?: number }) => {
  count.recordForged(kind)
  log.alarm('record.forged', { kind, ...what })
}
const subscriberCa = config.subscriberCaFile === undefined ? undefined : await readFile(config.subscriberCaFile, 'utf8')
const trust = createSubscriberTrust(subscriberCa)
certificatesInUse.inUse('signing', signing.certificatePem)
if (subscriberCa !== undefined) certificatesInUse.inUse('ca', subscriberCa)

await using metricsServer = await serveMetrics({
  metrics,
  host: config.metricsHost,
  port: config.metricsPort,
  reusePort: config.metricsReusePort,
})
await using http = createHttpSender({
  trust,
  timeoutMs: config.attemptTimeoutMs,
  networks: config.endpointNetworks,
  onRefused({ host, reason }) {
    count.endpointRefused(reason)
    log.warn('endpoint.refused', { endpointHost: host, reason })
  },
})
await using retrySchedule = createRetrySchedule({
  url: config.redisUrl,
  clock,
  lockMs: config.leaseMs,
  onError: (error) => log.warn('retry-schedule.failed', {}, error),
  // Without the error: its text may quote what somebody wrote.
  onForged: () => onForged({ kind: 'retry-job' }),
})
const redis = openRedis({
  url: config.redisUrl,
  name: 'delivery',
  onError: (error) => log.warn('redis.connection-failed', {}, error),
})
await using kms = await openBrokerKms(config.kms, {
  redis,
  clock,
  log,
  count,
  onForged,
  readCredential: () => readBrokerCredential(config.secretsDir),
})

const meta = await waitForMeta({ redis, recordMac, partitions: config.partitions, signal: shutdown, log })
if (meta !== undefined) await deliver(meta.partitions)
await kms.flushLedger()
await closeRedis(redis)
log.info('delivery.stopped')
log.flush()

async function deliver(partitions: number): Promise<void> {
  const { retrySecondMs } = config
  const random = Math.random
  using _metaWatch = watchMeta({
    redis,
    recordMac,
    partitions,
    onForged: () => onForged({ kind: 'meta' }),
    onDisagreement: (stored) => log.alarm('partitions.disagree', { inForce: partitions, stored }),
  })
  const catalog = createCatalog({ redis, recordMac, onForged })
  const rewraps = createRewrapStore({ redis, recordMac, onForged })
  const openingKeys = createOpeningKeys({
    kms: followRewraps(kms.guarded, rewraps),
    clock,
    onLookup: count.observeDataKeyLookup,
  })
  count.watchDataKeys('opening', openingKeys.count)
  const { keyProbeMs } = config
  const keyWatch = createKeyWatch({ openingKeys, clock, intervalMs: keyProbeMs, log })
  using _probing = keepProbing(keyWatch, { intervalMs: keyProbeMs, onTurn: count.refreshHeld })
  const openBody = createOpenBody({ openingKeys, keyWatch })
  const compose = createCompose({
    openBody,
    sign: createSign(signing),
    certificateId: signing.certificateId,
    tokenSecrets,
    baseUrl: config.publicUrl,
  })
  const attemptDelivery = createAttemptDelivery({ http, clock, log, metrics: count })
  const endpoints = createEndpoints({ clock, retrySecondMs })
  const admit = createAdmit({
    subscriptionRate: createSubscriptionRate({ redis }),
    confirmationRate: createConfirmationLimiter({ clock }),
    random,
  })
  using _endpointsWatch = watchEndpoints(endpoints, count)
  const shared = {
    recordMac,
    keyWatch,
    topics: createTopicCache({ catalog, clock }),
    budget: createBudget({ capacity: MAX_IN_FLIGHT }),
    compose,
    admit,
    attemptDelivery,
    endpoints,
    retrySecondMs,
    maxAgeMs: config.backlogMs,
    random,
    clock,
    log,
    metrics: count,
  }
  const firstAttempt = createFirstAttempt({ endpoints, admit, attemptDelivery })
  const handleEntry = createHandleEntry({ ...shared, firstAttempt })
  const pool = startPartitionPool({
    partitions,
    leaseMs: config.leaseMs,
    membership: createMembership({
      redis,
      role: 'delivery',
      ttlMs: rollCallTimes(config.leaseMs).ttlMs,
      onForeign: () => onForged({ kind: 'members' }),
    }),
    leaseLives: (some) => readLeaseLives({ redis, partitions: some }),
    acquire: (partition) =>
      acquireLease({
        redis,
        blockingRedis: () => openRedis({ url: config.redisUrl, name: `delivery-wait-${partition}`, blocking: true }),
        partition,
        leaseMs: config.leaseMs,
        onForeign: () => onForged({ kind: 'lease', partition }),
      }),
    runLoop: (work) =>
      runDeliveryLoop({ ...shared, ...work, handleEntry, reopen: createReopen({ ...shared, ...work }) }),
    openRetries: (work) =>
      retrySchedule.open({
        prefix: keys.retryPrefix(work.lease.partition),
        concurrency: MAX_RETRIES_PER_PARTITION,
        process: createRetryProcessor({ ...shared, ...work, reopen: createReopen({ ...shared, ...work }) }),
      }),
    random,
    clock,
    log,
    metrics: count,
  })
  const sampleConnection = openRedis({ url: config.redisUrl, name: 'delivery-samples' })
  const sampling = keepSampling(
    createSampleWaiting({
      owned: pool.owned,
      countRetries: (some) => countWaitingRetries({ redis: sampleConnection, prefixes: some.map(keys.retryPrefix) }),
      countBacklogs: (some) => countBacklogMessages({ redis: sampleConnection, partitions: some }),
      metrics: count,
    }),
    { pauseMs: SAMPLE_PAUSE_MS, onFailure: (error) => log.warn('redis.sample-failed', {}, error) },
  )
  await pool.ready
  log.info('delivery.ready', { partitions, metricsPort: metricsServer.port })
  notifyReady()

  await new Promise<void>((resolve) => {
    if (shutdown.aborted) resolve()
    shutdown.addEventListener('abort', () => resolve(), { once: true })
  })
  await pool.stop(config.shutdownMs)
  // The connection first: a look that Redis keeps waiting ends with it.
  await closeRedis(sampleConnection)
  await sampling[Symbol.asyncDispose]()
}
