/** The gateway process: wiring only. What a thread of it does is in serve.ts. */

import { systemClock } from '#shared/clock'
import { withFileSettings } from '#shared/config'
import { createKeyDesk } from '#shared/data-keys'
import { keepInspectorShut, notifyReady, reportCrashes, shutdownSignal } from '#shared/lifecycle'
import { createLineWriter, createLog } from '#shared/log'
import { createCertificateGauge, createMetrics, serveMetrics } from '#shared/metrics'
import { reportReloads } from '#shared/principals'
import { readGatewayConfig } from './config.ts'
import { descriptorLimit } from './connection-limit.ts'
import { createProcessId, memberIdOf } from './member-id.ts'
import { createGatewayMetrics } from './metrics.ts'
import { createRedisGauges } from './redis-gauges.ts'
import { startServing } from './serve.ts'
import { shareOut } from './thread-share.ts'
import { startThreads } from './threads/start-threads.ts'
import { watchProcess } from './watch-process.ts'

const clock = systemClock
const lines = createLineWriter(1)
const log = createLog({ service: 'gateway', writer: lines })
reportCrashes(log)
keepInspectorShut(log)
const config = readGatewayConfig(withFileSettings(process.env))
const shutdown = shutdownSignal()
const metrics = createMetrics({ service: 'gateway' })
const count = createGatewayMetrics(metrics, { part: 1 / config.threads })
const redisGauges = createRedisGauges(metrics)
const certificatesInUse = createCertificateGauge(metrics)

await using _metricsServer = await serveMetrics({
  metrics,
  host: config.metricsHost,
  port: config.metricsPort,
  reusePort: config.metricsReusePort,
})
const processId = createProcessId()
const descriptors = descriptorLimit()
const share = shareOut(config, { memberId: memberIdOf(processId, 0), descriptors })
const eachPort = share.connections * config.threads
if (eachPort < config.maxConnections) log.info('connections.limited', { configured: config.maxConnections, eachPort })
const desk = config.threads === 1 ? undefined : createKeyDesk({ keepMs: config.dataKeyReuseMs })
if (desk !== undefined) metrics.beforeExposing(desk.dropEnded)
const serving = await startServing({
  config,
  share,
  desk,
  clock,
  log,
  count,
  shutdown,
  reloads: reportReloads({ log, metrics }),
  onTlsInUse: (pem) => certificatesInUse.inUse('gateway', pem),
  watch: (parts) => watchProcess(parts, { config, clock, log, count, redisGauges }),
})
const { port, httpPort } = serving
const threads =
  desk === undefined
    ? undefined
    : await startThreads({
        shares: Array.from({ length: config.threads - 1 }, (_, at) => ({
          ...share,
          memberId: memberIdOf(processId, at + 1),
          // Where any port would do, the one that the first thread found.
          port,
          httpPort,
        })),
        desk,
        lines,
        metrics,
        shutdown,
        onFailure: (error) => log.error('gateway.thread-failed', {}, error),
        onEnded() {
          log.error('gateway.thread-ended')
          log.flush()
          process.exit(1)
        },
      })
// Told to stop meanwhile, its threads may never have served.
if (!shutdown.aborted) {
  log.info('gateway.ready', { port, httpPort, threads: config.threads })
  notifyReady()
}

await new Promise<void>((resolve) => {
  if (shutdown.aborted) resolve()
  shutdown.addEventListener('abort', () => resolve(), { once: true })
})
// Whatever comes of the first thread's end, the others come to theirs.
const [stopped, ended] = await Promise.allSettled([serving.stop(), threads?.ended])
if (stopped.status === 'rejected') throw stopped.reason
if (ended.status === 'fulfilled' && ended.value?.some((code) => code !== 0)) process.exitCode = 1
log.info('gateway.stopped')
log.flush()
