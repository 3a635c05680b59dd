/**
 * What one thread of a gateway does from its start to its end, wired together: all of what a request needs.
 *
 * What a process has once, whatever its threads, is in main.ts and watch-process.ts.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { createAudit } from '#shared/audit'
import { openBrokerKms } from '#shared/broker-kms'
import { createCatalog } from '#shared/catalog'
import type { Clock } from '#shared/clock'
import {
  createActivePairs,
  createDataKeyStore,
  createRewrapStore,
  createSealingKeys,
  followRewraps,
  type KeyDesk,
  shareAtDesk,
} from '#shared/data-keys'
import { createExplainKeyAccess } from '#shared/kms-client'
import type { Log } from '#shared/log'
import { openPrincipals } from '#shared/principals'
import { createRecordMac } from '#shared/record-mac'
import { closeRedis, openRedis, type Redis, requireReplicas, whenReady } from '#shared/redis'
import {
  readBrokerCredential,
  readRecordSecrets,
  readSigningCertificates,
  readStsSecrets,
  readTokenSecrets,
} from '#shared/secrets'
import { createStreamAppender } from '#shared/stream-log'
import { createFindSigner } from '#shared/sts'
import { createAdmission } from './admission.ts'
import { createAnnounceSnsKey } from './announce-sns-key.ts'
import { createAppendConfirmation } from './append-confirmation.ts'
import { createAuthenticate } from './authenticate.ts'
import { createAuthorize } from './authorize.ts'
import type { GatewayConfig } from './config.ts'
import { createKnownPrincipals } from './data-key-permission/known-principals.ts'
import { permitDataKeys } from './data-key-permission/permit-data-keys.ts'
import { createHandleRequest } from './handle-request.ts'
import { askIdentityPolicies } from './key-check/ask-identity-policies.ts'
import { askLocalKms } from './key-check/ask-local-kms.ts'
import { createCheckKey } from './key-check/check-key.ts'
import { createKeyChecks } from './key-check/key-checks.ts'
import type { KeyQuestion } from './key-check/key-question.ts'
import { startLoopHeartbeat } from './loop-heartbeat.ts'
import type { GatewayMetrics } from './metrics.ts'
import { openPartitions } from './open-partitions.ts'
import { openTopics } from './open-topics.ts'
import { createSealAndAppend } from './seal-and-append.ts'
import { startGatewayServer } from './server.ts'
import type { ThreadShare } from './thread-share.ts'

/** Two commands in a row must fit into the 5 s in which a publisher is told that Redis is gone. */
export const COMMAND_TIMEOUT_MS = 2_000

export interface Serving {
  readonly port: number
  readonly httpPort: number | undefined
  /** Serves no more and lets go of everything. Once. */
  stop(): Promise<void>
}

/** What is there once Redis has been reached, for who watches over the process. */
export interface ServingParts {
  readonly redis: Redis
  readonly partitions: number
  countActivePairs(): Promise<number>
}

/**
 * Resolves when requests are answered.
 *
 * @param o.share this thread's part of what the process may do
 * @param o.desk where the threads leave data keys; undefined where there is one thread
 * @param o.watch begins once Redis has been reached, ends before the connection to it is closed
 * @throws what reading secrets, principals and certificates, reaching Redis and listening throw
 */
export async function startServing(o: {
  config: GatewayConfig
  share: ThreadShare
  desk: KeyDesk | undefined
  clock: Clock
  log: Log
  count: GatewayMetrics
  shutdown: AbortSignal
  reloads: Pick<Parameters<typeof openPrincipals>[0], 'onReload' | 'onReloadFailure'>
  onTlsInUse: (certificatePem: string) => void
  watch?: (parts: ServingParts) => Promise<AsyncDisposable>
}): Promise<Serving> {
  const { config, share, clock, log, count, shutdown } = o
  await using opened = new AsyncDisposableStack()
  const principals = opened.use(await openPrincipals({ file: config.principalsFile, ...o.reloads }))
  const recordMac = createRecordMac(await readRecordSecrets(config.secretsDir))
  const tokenSecrets = await readTokenSecrets(config.secretsDir)
  const stsSecrets = await readStsSecrets(config.secretsDir)
  const certificates = await readSigningCertificates(config.secretsDir)

  const connect = (name: string) =>
    opened.adopt(
      openRedis({
        url: config.redisUrl,
        name,
        commandTimeoutMs: COMMAND_TIMEOUT_MS,
        onError: (error) => log.warn('redis.connection-failed', {}, error),
      }),
      closeRedis,
    )
  const redis = connect('gateway')
  await whenReady(redis, shutdown)
  const onForged = ({ kind, topicArn }: { kind: string; topicArn?: string }) => {
    count.recordForged(kind)
    log.alarm('record.forged', { kind, topicArn })
  }
  const meta = opened.use(
    await openPartitions({
      redis,
      recordMac,
      configured: config.partitions,
      log,
      onForged: () => onForged({ kind: 'meta' }),
    }),
  )
  // After the number of partitions was read: a missing replica must refuse writes, not the start.
  requireReplicas(redis, config.redisWait)
  const catalog = createCatalog({ redis, recordMac, onForged })
  const activePairs = createActivePairs({
    redis,
    reuseMs: config.dataKeyReuseMs,
    onForged,
    onFailure: (error) => log.warn('active-pair.not-noted', {}, error),
  })
  if (o.watch !== undefined) {
    opened.use(await o.watch({ redis, partitions: meta.partitions, countActivePairs: activePairs.count }))
  }
  const appender = createStreamAppender({ redis, recordMac, partitions: meta.partitions })
  const kms = opened.use(
    await openBrokerKms(config.kms, {
      redis,
      clock,
      log,
      count,
      onForged,
      observeRole: count.observeRole,
      readCredential: () => readBrokerCredential(config.secretsDir),
    }),
  )
  opened.defer(() => kms.flushLedger())
  const known = opened.use(
    await openTopics({
      redis,
      noticeConnection: connect('gateway-notices'),
      recordMac,
      catalog,
      clock,
      memberId: share.memberId,
      // A command that timed out is given up on; what Redis still gets of it is under way for a moment.
      appendMs: COMMAND_TIMEOUT_MS + 500,
      onGateways: count.gatewaysAlive,
      onForged,
      onUnconfirmed: (topicArn) => log.warn('topic.change-unconfirmed', { topicArn }),
      signal: shutdown,
    }),
  )
  const knownPrincipals = createKnownPrincipals()
  // AWS KMS decides about the broker's role: what a publisher may do is decided here, unless it has a role of its own.
  const permittedKms =
    config.kms.kind === 'local'
      ? kms.guarded
      : permitDataKeys(kms.guarded, { findPublisher: knownPrincipals.find, clock, rememberMs: config.dataKeyReuseMs })
  const dataKeySource = followRewraps(permittedKms, createRewrapStore({ redis, recordMac, onForged }))
  const authenticate = createAuthenticate({
    findSigner: createFindSigner({ principals, secrets: stsSecrets, clock }),
    clock,
    regions: config.regions,
  })
  const sealingKeys = createSealingKeys({
    kms:
      o.desk === undefined
        ? dataKeySource
        : shareAtDesk(dataKeySource, { desk: o.desk, clock, reuseMs: config.dataKeyReuseMs }),
    store: createDataKeyStore({ redis, recordMac, activePairs, onForged }),
    clock,
    reuseMs: config.dataKeyReuseMs,
    maxMessages: share.messagesPerDataKey,
    // While KMS is silent, unsealed topics and live keys have the rest.
    maxWaiting: Math.ceil(share.requestsInFlight * 0.75),
    onLookup: count.observeDataKeyLookup,
    onRetired: count.dataKeyRetired,
    onStoreFailure: (error) => log.warn('data-key.not-stored', {}, error),
  })
  count.watchSealingKeys(sealingKeys.survey)
  // AWS's own key of that name serves nobody but SNS, so with AWS KMS there is nothing to bring about.
  const onSnsKeyFailure = (topicArn: string, error: unknown) => log.warn('sns-key.not-announced', { topicArn }, error)
  const keyChecks = opened.use(
    createKeyChecks({
      check: createCheckKey({ catalog, principals, question: await openKeyQuestion(config, clock), clock }),
      onVerdict({ topicArn, keyId }, verdict) {
        count.topicKeyChecked(verdict.kind)
        if (verdict.kind !== 'unusable') return
        log.warn('topic-key.unusable', { topicArn, keyId, reason: verdict.reason, why: verdict.why })
      },
      onDropped: () => count.topicKeyChecked('dropped'),
      onFailure: (error) => log.error('topic-key.check-failed', {}, error),
    }),
  )
  const audit = opened.use(createAudit({ log, clock, onLeftOut: count.auditLineLeftOut, part: share.part }))
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
  const heartbeat = opened.use(startLoopHeartbeat(clock))
  const server = await startGatewayServer({
    ...config,
    port: share.port,
    httpPort: share.httpPort,
    maxConnections: share.connections,
    bodyBudgetBytes: share.bodyBytes,
    certificates,
    admission: createAdmission({
      maxInFlight: share.requestsInFlight,
      clock,
      lastTurnAt: heartbeat.lastTurnAt,
      pause,
      onInFlight: count.requestsInFlight,
      onRefused: count.requestRefused,
    }),
    handleRequest,
    onConnectionRefused: count.connectionRefused,
    onTlsInUse: o.onTlsInUse,
    onTlsReloadFailure: (error) => log.error('tls.reload-failed', {}, error),
    onFailure: (error) => log.error('server.failed', {}, error),
  })
  opened.defer(() => server.stop(config.shutdownMs))
  const { port, httpPort } = server
  const whole = opened.move()
  return { port, httpPort, stop: () => whole.disposeAsync() }
}

/** AWS KMS tells nobody what it would decide. */
async function openKeyQuestion({ kms, secretsDir }: GatewayConfig, clock: Clock): Promise<KeyQuestion> {
  if (kms.kind === 'aws') return askIdentityPolicies(clock)
  const credential = await readBrokerCredential(secretsDir)
  return askLocalKms(createExplainKeyAccess({ endpoint: kms.endpoint, credential, now: clock.now }))
}
