/** The gateway process: wiring only. */

import { setTimeout as pause } from 'node:timers/promises'
import { createAudit } from '#shared/audit'
import { openBrokerKms } from '#shared/broker-kms'
import { createCatalog } from '#shared/catalog'
import { systemClock } from '#shared/clock'
import { withFileSettings } from '#shared/config'
import {
  createActivePairs,
  createDataKeyStore,
  createRewrapStore,
  createSealingKeys,
  followRewraps,
} from '#shared/data-keys'
import { createExplainKeyAccess } from '#shared/kms-client'
import { keepInspectorShut, notifyReady, reportCrashes, shutdownSignal } from '#shared/lifecycle'
import { createLog } from '#shared/log'
import { createCertificateGauge, createMetrics, keepSampling, serveMetrics } from '#shared/metrics'
import { openPrincipals, reportReloads } from '#shared/principals'
import { createRecordMac } from '#shared/record-mac'
import { closeRedis, countReplicas, openRedis, readServerState, requireReplicas, whenReady } from '#shared/redis'
import {
  readBrokerCredential,
  readRecordSecrets,
  readSigningCertificates,
  readStsSecrets,
  readTokenSecrets,
} from '#shared/secrets'
import { createStreamAppender, readPartitionStates } from '#shared/stream-log'
import { createFindSigner } from '#shared/sts'
import { createAdmission } from './admission.ts'
import { createAnnounceSnsKey } from './announce-sns-key.ts'
import { createAppendConfirmation } from './append-confirmation.ts'
import { createAuthenticate } from './authenticate.ts'
import { createAuthorize } from './authorize.ts'
import { readGatewayConfig } from './config.ts'
import { connectionLimit, descriptorLimit } from './connection-limit.ts'
import { createKnownPrincipals } from './data-key-permission/known-principals.ts'
import { permitDataKeys } from './data-key-permission/permit-data-keys.ts'
import { createHandleRequest } from './handle-request.ts'
import { askIdentityPolicies } from './key-check/ask-identity-policies.ts'
import { askLocalKms } from './key-check/ask-local-kms.ts'
import { createCheckKey } from './key-check/check-key.ts'
import { createKeyChecks } from './key-check/key-checks.ts'
import type { KeyQuestion } from './key-check/key-question.ts'
import { startLoopHeartbeat } from './loop-heartbeat.ts'
import { createGatewayMetrics } from './metrics.ts'
import { openPartitions } from './open-partitions.ts'
import { openTopics } from './open-topics.ts'
import { createRedisGauges } from './redis-gauges.ts'
import { createSampleRedis } from './sample-redis.ts'
import { createSealAndAppend } from './seal-and-append.ts'
import { startGatewayServer } from './server.ts'
import { watchActivePairs } from './watch-active-pairs.ts'

/** Two commands in a row must fit into the 5 s in which a publisher is told that Redis is gone. */
const COMMAND_TIMEOUT_MS = 2_000

/** Between two looks at what Redis holds, for metrics. */
const SAMPLE_PAUSE_MS = 5_000

const clock = systemClock
const log = createLog({ service: 'gateway' })
reportCrashes(log)
keepInspectorShut(log)
const config = readGatewayConfig(withFileSettings(process.env))
const shutdown = shutdownSignal()
const metrics = createMetrics({ service: 'gateway' })
const count = createGatewayMetrics(metrics)
const redisGauges = createRedisGauges(metrics)
const certificatesInUse = createCertificateGauge(metrics)

await using _metricsServer = await serveMetrics({
  metrics,
  host: config.metricsHost,
  port: config.metricsPort,
  reusePort: config.metricsReusePort,
})
await using principals = await openPrincipals({ file: config.principalsFile, ...reportReloads({ log, metrics }) })
const recordMac = createRecordMac(await readRecordSecrets(config.secretsDir))
const tokenSecrets = await readTokenSecrets(config.secretsDir)
const stsSecrets = await readStsSecrets(config.secretsDir)
const certificates = await readSigningCertificates(config.secretsDir)

const redis = openRedis({
  url: config.redisUrl,
  name: 'gateway',
  commandTimeoutMs: COMMAND_TIMEOUT_MS,
  onError: (error) => log.warn('redis.connection-failed', {}, error),
})
await whenReady(redis, shutdown)
const onForged = ({ kind, topicArn }: { kind: string; topicArn?: string }) => {
  count.recordForged(kind)
  log.alarm('record.forged', { kind, topicArn })
}
using meta = await openPartitions({
  redis,
  recordMac,
  configured: config.partitions,
  log,
  onForged: () => onForged({ kind: 'meta' }),
})
// After the number of partitions was read: a missing replica must refuse writes, not the start.
requireReplicas(redis, config.redisWait)
if (config.redisWait.replicas > 0) await warnOfTooFewReplicas()
const catalog = createCatalog({ redis, recordMac, onForged })
const noticeConnection = openRedis({
  url: config.redisUrl,
  name: 'gateway-notices',
  commandTimeoutMs: COMMAND_TIMEOUT_MS,
  onError: (error) => log.warn('redis.connection-failed', {}, error),
})
const known = await openTopics({
  redis,
  noticeConnection,
  recordMac,
  catalog,
  clock,
  // A command that timed out is given up on; what Redis still gets of it is under way for a moment.
  appendMs: COMMAND_TIMEOUT_MS + 500,
  onGateways: count.gatewaysAlive,
  onForged,
  onUnconfirmed: (topicArn) => log.warn('topic.change-unconfirmed', { topicArn }),
  signal: shutdown,
})
redisGauges.partitionCount(meta.partitions)
const sampleConnection = openRedis({
  url: config.redisUrl,
  name: 'gateway-samples',
  commandTimeoutMs: COMMAND_TIMEOUT_MS,
})
const sampling = keepSampling(
  createSampleRedis({
    untilReady: () => whenReady(sampleConnection, AbortSignal.timeout(COMMAND_TIMEOUT_MS)),
    readServer: () => readServerState(sampleConnection),
    readPartitions: () => readPartitionStates({ redis: sampleConnection, partitions: meta.partitions }),
    gauges: redisGauges,
  }),
  { pauseMs: SAMPLE_PAUSE_MS, onFailure: (error) => log.warn('redis.sample-failed', {}, error) },
)
const appender = createStreamAppender({ redis, recordMac, partitions: meta.partitions })
await using kms = await openBrokerKms(config.kms, {
  redis,
  clock,
  log,
  count,
  onForged,
  observeRole: count.observeRole,
  readCredential: () => readBrokerCredential(config.secretsDir),
})
const knownPrincipals = createKnownPrincipals()
// AWS KMS decides about the broker's role: what a publisher may do is decided here, unless it has a role of its own.
const permittedKms =
  config.kms.kind === 'local'
    ? kms.guarded
    : permitDataKeys(kms.guarded, { findPublisher: knownPrincipals.find, clock, rememberMs: config.dataKeyReuseMs })
const authenticate = createAuthenticate({
  findSigner: createFindSigner({ principals, secrets: stsSecrets, clock }),
  clock,
  regions: config.regions,
})
const { dataKeyReuseMs } = config
const activePairs = createActivePairs({
  redis,
  reuseMs: dataKeyReuseMs,
  onForged,
  onFailure: (error) => log.warn('active-pair.not-noted', {}, error),
})
const sealingKeys = createSealingKeys({
  kms: followRewraps(permittedKms, createRewrapStore({ redis, recordMac, onForged })),
  store: createDataKeyStore({ redis, recordMac, activePairs, onForged }),
  clock,
  reuseMs: dataKeyReuseMs,
  // While KMS is silent, unsealed topics and live keys have the rest.
  maxWaiting: Math.ceil(config.maxRequestsInFlight * 0.75),
  onLookup: count.observeDataKeyLookup,
  onRetired: count.dataKeyRetired,
  onStoreFailure: (error) => log.warn('data-key.not-stored', {}, error),
})
count.dataKeyReuse(dataKeyReuseMs)
count.watchSealingKeys(sealingKeys.survey)
using _pairWatch = watchActivePairs({
  count: activePairs.count,
  clock,
  reuseMs: dataKeyReuseMs,
  onCount: count.activePairs,
})
// AWS's own key of that name serves nobody but SNS, so with AWS KMS there is nothing to bring about.
const onSnsKeyFailure = (topicArn: string, error: unknown) => log.warn('sns-key.not-announced', { topicArn }, error)
const keyChecks = createKeyChecks({
  check: createCheckKey({ catalog, principals, question: await openKeyQuestion(), clock }),
  onVerdict({ topicArn, keyId }, verdict) {
    count.topicKeyChecked(verdict.kind)
    if (verdict.kind !== 'unusable') return
    log.warn('topic-key.unusable', { topicArn, keyId, reason: verdict.reason, why: verdict.why })
  },
  onDropped: () => count.topicKeyChecked('dropped'),
  onFailure: (error) => log.error('topic-key.check-failed', {}, error),
})
using audit = createAudit({ log, clock, onLeftOut: count.auditLineLeftOut })
const handleRequest = createHandleRequest({
  authenticate(request, service) {
    const caller = authenticate(request, service)
    if (caller !== undefined) knownPrincipals.note(caller.principal)
    return caller
  },
  services: {
    authorize: createAuthorize({ clock }),
    catalog,
    topics: known.topics,
    topicChanges: known.topicChanges,
    sealingKeys,
    announceSnsKey:
      config.kms.kind === 'local' ? createAnnounceSnsKey({ kms: kms.client, onFailure: onSnsKeyFailure }) : () => {},
    keyChecks,
    sealAndAppend: createSealAndAppend({ sealingKeys, appender, clock, onPublished: count.published }),
    appendConfirmation: createAppendConfirmation({ appender, clock }),
    tokenSecrets,
    sts: { findRole: principals.findRole, secrets: stsSecrets },
    endpointNetworks: config.endpointNetworks,
    clock,
  },
  clock,
  log,
  audit,
  onAnswered: count.requestAnswered,
  onForeignData: () => onForged({ kind: 'key' }),
})
const maxConnections = connectionLimit({
  configured: config.maxConnections,
  descriptors: descriptorLimit(),
  listeners: config.httpPort === undefined ? 1 : 2,
})
if (maxConnections < config.maxConnections) {
  log.info('connections.limited', { configured: config.maxConnections, eachPort: maxConnections })
}
using heartbeat = startLoopHeartbeat(clock)
const server = await startGatewayServer({
  ...config,
  maxConnections,
  certificates,
  admission: createAdmission({
    maxInFlight: config.maxRequestsInFlight,
    clock,
    lastTurnAt: heartbeat.lastTurnAt,
    pause,
    onInFlight: count.requestsInFlight,
    onRefused: count.requestRefused,
  }),
  handleRequest,
  onConnectionRefused: count.connectionRefused,
  onTlsInUse: (pem) => certificatesInUse.inUse('gateway', pem),
  onTlsReloadFailure: (error) => log.error('tls.reload-failed', {}, error),
  onFailure: (error) => log.error('server.failed', {}, error),
})
log.info('gateway.ready', { port: server.port, httpPort: server.httpPort })
notifyReady()

await new Promise<void>((resolve) => {
  if (shutdown.aborted) resolve()
  shutdown.addEventListener('abort', () => resolve(), { once: true })
})
await server.stop(config.shutdownMs)
await keyChecks[Symbol.asyncDispose]()
await known[Symbol.asyncDispose]()
await closeRedis(noticeConnection)
// The connection first: a look that Redis keeps waiting ends with it.
await closeRedis(sampleConnection)
await sampling[Symbol.asyncDispose]()
await kms.flushLedger()
await closeRedis(redis)
log.info('gateway.stopped')
log.flush()

/** AWS KMS tells nobody what it would decide. */
async function openKeyQuestion(): Promise<KeyQuestion> {
  if (config.kms.kind === 'aws') return askIdentityPolicies(clock)
  const credential = await readBrokerCredential(config.secretsDir)
  return askLocalKms(createExplainKeyAccess({ endpoint: config.kms.endpoint, credential, now: clock.now }))
}

async function warnOfTooFewReplicas(): Promise<void> {
  const { replicas } = config.redisWait
  // A user of Redis that may not ask is no reason not to start.
  const connected = await countReplicas(redis).catch(() => undefined)
  if (connected === undefined || connected < replicas)
    log.warn('redis.too-few-replicas', { required: replicas, connected })
}
