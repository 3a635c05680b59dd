/**
 * The local KMS: wiring only.
 *
 * Order matters: the keystore is locked, loaded and verified before anything listens, and closed
 * after the last answer.
 */

import { readFile } from 'node:fs/promises'
import { createAudit } from '#shared/audit'
import { systemClock } from '#shared/clock'
import { keepInspectorShut, notifyReady, reportCrashes, shutdownSignal } from '#shared/lifecycle'
import { createLog, type Log } from '#shared/log'
import { createCertificateGauge, createMetrics, serveMetrics } from '#shared/metrics'
import { openPrincipals, reportReloads } from '#shared/principals'
import { readBrokerCredential, readStsSecrets } from '#shared/secrets'
import { createFindSigner } from '#shared/sts'
import { createAuthenticate } from './authenticate.ts'
import { type KmsConfig, readKmsConfig } from './config.ts'
import { startAdminServer } from './faults/admin-server.ts'
import { createFaultInjection } from './faults/fault-injection.ts'
import { createHandleRequest } from './handle-request.ts'
import { openKeyStore } from './key-store.ts'
import type { KeystoreEvent } from './keystore-directory.ts'
import { createKmsMetrics } from './metrics.ts'
import { startServer } from './server.ts'
import { startUpkeep } from './upkeep.ts'

const log = createLog({ service: 'kms' })
reportCrashes(log)
keepInspectorShut(log)
try {
  await run(readKmsConfig(process.env), shutdownSignal())
} catch (error) {
  log.error('kms.failed', {}, error)
  process.exitCode = 1
} finally {
  log.flush()
  // The channel to the supervisor would keep a process alive that has nothing left to do.
  if (process.connected) process.disconnect()
}

async function run(config: KmsConfig, stop: AbortSignal): Promise<void> {
  const clock = systemClock
  const metrics = createMetrics({ service: 'kms' })
  await using keyStore = await openKeyStore({ dir: config.dir, clock, onEvent: (event) => report(event, log) })
  await using _upkeep = await startUpkeep({ keyStore, log })
  const broker = await readBrokerCredential(config.secretsDir)
  await using principals = await openPrincipals({ file: config.principalsFile, ...reportReloads({ log, metrics }) })
  const findSigner = createFindSigner({ principals, secrets: await readStsSecrets(config.secretsDir), clock })
  const authenticate = createAuthenticate({ findSigner, broker, account: config.account, clock })
  const kmsMetrics = createKmsMetrics(metrics)
  const faults = createFaultInjection({ clock, keyStore, injected: kmsMetrics.injected })
  using audit = createAudit({ log, clock, onLeftOut: () => kmsMetrics.auditLeftOut.add({}) })
  const handleRequest = createHandleRequest({
    keyStore,
    authenticate,
    principals,
    clock,
    faults,
    metrics: kmsMetrics,
    log,
    audit,
  })
  await using metricsServer = await serveMetrics({ metrics, host: config.metricsHost, port: config.metricsPort })
  const { host, port } = config
  const tls = await readTls(config)
  const certificatesInUse = createCertificateGauge(metrics)
  if (tls !== undefined) certificatesInUse.inUse('kms', tls.cert)
  await using server = await startServer({ host, port, tls, handleRequest })
  const { adminPort } = config
  await using admin = adminPort === undefined ? undefined : await startAdminServer({ port: adminPort, faults, log })
  const ports = { port: server.port, metricsPort: metricsServer.port }
  log.info('kms.started', { host, ...ports, ...(admin ? { adminPort: admin.port } : {}) })
  log.flush()
  notifyReady()
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
  log.info('kms.stopping')
  // What hangs or waits on purpose shall not hold up the end.
  faults.clear()
}

async function readTls({ tls }: KmsConfig): Promise<{ cert: string; key: string } | undefined> {
  if (tls === undefined) return undefined
  const [cert, key] = await Promise.all([readFile(tls.certificateFile, 'utf8'), readFile(tls.keyFile, 'utf8')])
  return { cert, key }
}

function report(event: KeystoreEvent, log: Log): void {
  if (event.kind === 'keystore-created' && !event.rootKeyExisted) log.info('keystore.created', { path: event.path })
  if (event.kind === 'keystore-created' && event.rootKeyExisted) {
    const advice =
      'if there was a keystore before, stop and restore it: what was sealed under its keys does not open without'
    log.warn('keystore.created-empty', { path: event.path, advice })
  }
  // Both want an operator's eyes: the one to back the file up, the other to look for what was lost.
  if (event.kind === 'root-key-created') log.warn('root-key.created', { path: event.path, advice: 'back this file up' })
  if (event.kind === 'backup-used') {
    log.alarm('keystore.backup-used', { path: event.path, generation: event.generation })
  }
}
