/**
 * The stack, from nothing to ready and back.
 *
 * Redis, then KMS, then gateways and workers together, each waited for; backwards at the end, so that
 * nothing new comes in while what is in flight is finished, and nothing loses its Redis before. `env` is
 * written last and removed first: its presence means ready. Every step of the way back is registered
 * before its step forward, so a start that fails half-way leaves nothing behind.
 */

import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '#shared/clock'
import type { Environment } from '#shared/config'
import { describeError } from '#shared/errors'
import { createMissingSecrets } from '#shared/secrets'
import { gatewayHosts, prepareCertificates } from './certificates.ts'
import { choosePorts } from './choose-ports.ts'
import { SHARES_PORTS, type UpConfig } from './config.ts'
import { openDataDirectory, replaceFile } from './data-directory.ts'
import { acquireLock } from './lock.ts'
import { openLogFiles } from './log-files.ts'
import { nodeOptionsOf } from './node-options.ts'
import { endLeftovers, openPidFile } from './pid-file.ts'
import { metricsPorts, metricsPortWishes, portWishes } from './port-wishes.ts'
import { prepareAdmin } from './prepare-admin.ts'
import { createLogPrinter } from './print-log.ts'
import {
  isPrivateRedisUrl,
  preparePrivateRedis,
  REDIS_GRACE_MS,
  readRedisPassword,
  stopStrayRedis,
} from './private-redis.ts'
import { createProcessSlot, type ProcessSlot } from './process-slot.ts'
import type { Progress } from './progress.ts'
import { createRollingRestart } from './rolling-restart.ts'
import { endpointNetworksOf, kmsUrl, publicUrl, serviceSettings } from './service-settings.ts'
import { type StackProcess, stackProcesses } from './stack-processes.ts'
import type { StopSignals } from './stop-signals.ts'
import { type ProcessPlan, supervise } from './supervise.ts'
import { lostSecretsTexts } from './texts.ts'
import { formatEnv } from './write-env.ts'

/** Above what the services give themselves to finish what is in flight. */
const GRACE_MARGIN_MS = 2_000
const READY_WITHIN_MS = 60_000

/**
 * Resolves when everything was stopped in order, after a signal.
 *
 * @throws {AlreadyRunningError} when another `up` runs on the data directory
 * @throws {PortUnavailableError} naming the variable that moves it
 * @throws {StartFailedError} with the last lines of the log of the process that did not start
 */
export async function runStack(o: {
  config: UpConfig
  env: Environment
  /** The checkout, with services/ below. */
  root: string
  clock: Clock
  progress: Progress
  signals: StopSignals
  /** What is to be said about a Redis of somebody else's. @throws when it does not answer */
  inspectRedis: (url: string) => Promise<string[]>
  onReady: (stack: { home: string; gatewayUrl: string }) => void
}): Promise<void> {
  const { config, progress, signals } = o
  const stopGraceMs = config.shutdownMs + GRACE_MARGIN_MS
  const directory = openDataDirectory(config.home)
  await using undo = new AsyncDisposableStack()
  const lock = acquireLock(directory.lock)
  undo.defer(() => lock.release())
  rmSync(directory.env, { force: true })

  const logs = openLogFiles({ folder: directory.logs, onLine: createLogPrinter(progress.say) })
  undo.defer(() => logs.close())
  const password = readRedisPassword(directory)
  await endStale()

  const externalRedis =
    config.redisUrl !== undefined && !isPrivateRedisUrl(config.redisUrl, password) ? config.redisUrl : undefined
  const processes = stackProcesses(config)
  const chosen = await choosePorts({
    ...portWishes(config, { redis: externalRedis === undefined }),
    ...metricsPortWishes(config, processes),
  })
  const ports = { ...chosen, metrics: metricsPorts(chosen) }
  const pids = openPidFile(directory.pids)
  undo.defer(() => pids.remove())

  const recordPid = (name: string, pid: number | undefined) => {
    try {
      pids.set(name, pid)
    } catch (error) {
      // A full disk must not end the supervision; only the next `up` after a kill -9 would miss the file.
      progress.say('up', `cannot write ${directory.pids} (${describeError(error).code})`)
    }
  }
  const createSlot = (plan: ProcessPlan): ProcessSlot => {
    const slot = createProcessSlot({
      plan,
      sharesPorts: SHARES_PORTS,
      supervise: (itsPlan, onPid) =>
        supervise(itsPlan, {
          logs,
          events: {
            onPid: (_name, pid) => onPid(pid),
            onDeath: (name, how, delayMs) => progress.say(name, `${how}; starting it again in ${delayMs} ms`),
            onRestarted: (name, pid) => progress.say(name, `runs again, pid ${pid}`),
          },
        }),
      recordPid,
    })
    signals.hurry.addEventListener('abort', () => slot.kill())
    return slot
  }
  const stop = (slot: ProcessSlot) =>
    progress.step(slot.name, async () => ({ did: 'stopped', value: await slot.stop() }))
  const start = (slot: ProcessSlot, did: string) =>
    progress.step(slot.name, async () => {
      await unlessStopped(slot.start())
      return { did, value: undefined }
    })
  /** @returns where they run; stopped together when the stack is */
  const startAll = async (plans: readonly ProcessPlan[], did: string): Promise<ProcessSlot[]> => {
    const slots = plans.map(createSlot)
    undo.defer(async () => void (await Promise.all(slots.map(stop))))
    await Promise.all(slots.map((slot) => start(slot, did)))
    return slots
  }

  const redisUrl = await startRedis()
  const admin = await prepareFiles()
  const settings = serviceSettings({
    env: o.env,
    config,
    directory,
    ports,
    redisUrl,
    clientAccessKeyId: admin.accessKeyId,
  })
  const plan = ({ name, service }: StackProcess): ProcessPlan => ({
    name,
    command: process.execPath,
    args: [...nodeOptionsOf(service), join(o.root, 'services', service, 'main.ts')],
    env: settings.get(name) ?? {},
    cwd: o.root,
    ready: 'message',
    readyWithinMs: READY_WITHIN_MS,
    stopGraceMs,
  })
  const plansOf = (service: string) => processes.filter((one) => one.service === service).map(plan)
  if (config.kms === 'aws') progress.say('kms', 'AWS KMS, with the credentials that the AWS SDK finds')
  await startAll(plansOf('kms'), `ready at ${kmsUrl(config, ports)}`)
  // Workers are registered first, so that the gateways are stopped before them.
  const gatewayUrl = publicUrl(config, ports)
  const [workers, gateways] = await Promise.all([
    startAll(plansOf('delivery'), 'ready'),
    startAll(plansOf('gateway'), `ready at ${gatewayUrl}`),
  ])

  undo.defer(() => rmSync(directory.env, { force: true }))
  replaceFile(
    directory.env,
    formatEnv({
      accessKeyId: admin.accessKeyId,
      secretAccessKey: admin.secretAccessKey,
      region: config.region,
      gatewayUrl,
      kmsUrl: kmsUrl(config, ports),
      kmsAdminUrl: ports.kmsAdmin === undefined ? undefined : `http://127.0.0.1:${ports.kmsAdmin}`,
      caFile: directory.ca,
      caBundleFile: directory.caBundle,
      redisUrl,
      metricsUrls: [...ports.metrics.values()].map((port) => `http://127.0.0.1:${port}/metrics`),
      endpointNetworks: endpointNetworksOf(o.env),
      dataKeyReuseSeconds: o.env.SEALCAST_DATA_KEY_REUSE_SECONDS || undefined,
    }),
  )
  const rolling = createRollingRestart({ slots: [...gateways, ...workers], progress, stop: signals.stop })
  signals.onRestart(() => rolling.request())
  o.onReady({ home: directory.home, gatewayUrl })
  await aborted(signals.stop)
  progress.say('up', 'stopping; once more Ctrl-C kills what still runs')

  /** After a kill -9 of the last `up`: its processes would hold ports, keystore and AOF. */
  async function endStale(): Promise<void> {
    const names = await endLeftovers(directory.pids, { graceMs: stopGraceMs, redisGraceMs: REDIS_GRACE_MS })
    if (await stopStrayRedis(directory, password)) names.push('redis')
    if (names.length > 0) progress.say('up', `ended what an earlier \`up\` left running: ${names.join(', ')}`)
  }

  async function startRedis(): Promise<string> {
    if (externalRedis !== undefined) {
      const warnings = await progress.step('redis', async () => ({
        did: 'the one of SEALCAST_REDIS_URL answers',
        value: await unlessStopped(o.inspectRedis(externalRedis)),
      }))
      for (const warning of warnings) progress.say('redis', `WARNING: ${warning}`)
      return externalRedis
    }
    const port = ports.redis ?? 0
    const redis = preparePrivateRedis(directory, { port, password })
    await startAll(
      [
        {
          name: 'redis',
          command: 'redis-server',
          args: [directory.redisConfig],
          env: o.env,
          cwd: directory.redis,
          ready: redis.whenReady,
          stopGraceMs: REDIS_GRACE_MS,
        },
      ],
      `ready on port ${port}, AOF in ${directory.redis}`,
    )
    return redis.url
  }

  function prepareFiles() {
    return progress.step('keys', async () => {
      const now = o.clock.now()
      const made = prepareCertificates(directory, { hosts: gatewayHosts(publicUrl(config, ports)), now })
      // The last of what is made here: where it is, an earlier start had all the secrets.
      const isFirstStart = !existsSync(directory.principals)
      if (config.secretsDir === undefined) {
        const secrets = await createMissingSecrets(directory.secrets, { now })
        if (secrets.length > 0) made.push('broker secrets')
        if (!isFirstStart) for (const text of lostSecretsTexts(secrets)) progress.say('keys', text)
      }
      const admin = await prepareAdmin(config.principalsFile ?? directory.principals, { account: config.account })
      if (admin.isNew) made.push(`principal ${admin.arn}`)
      return { did: made.length === 0 ? 'in place' : `made ${made.join(', ')}`, value: admin }
    })
  }

  async function unlessStopped<T>(work: Promise<T>): Promise<T> {
    const stopped = aborted(signals.stop).then(() => {
      throw new StoppedError('stopped while starting')
    })
    return await Promise.race([work, stopped])
  }
}

/** A signal came while the stack was starting; everything has been undone. */
export class StoppedError extends Error {}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
