/**
 * `npm run up`: the whole broker on one machine, until Ctrl-C. Wiring only; the order of things is in
 * run-stack.ts.
 */

import { dirname, relative } from 'node:path'
import { systemClock } from '#shared/clock'
import type { Environment } from '#shared/config'
import { BrokerError, describeError } from '#shared/errors'
import { notifyReady } from '#shared/lifecycle'
import { closeRedis, openRedis, redisCall, whenReady } from '#shared/redis'
import { redisWarnings } from './check-redis.ts'
import { readComposeConfig } from './compose-config.ts'
import { readUpConfig } from './config.ts'
import { RedisUnusableError } from './errors.ts'
import { linkDotEnv } from './link-dot-env.ts'
import { parseArguments } from './parse-arguments.ts'
import { prepareCompose } from './prepare-compose.ts'
import { createProgress } from './progress.ts'
import { runStack, StoppedError } from './run-stack.ts'
import { listenForStopSignals } from './stop-signals.ts'
import { composeText, HELP, readyText } from './texts.ts'

const REDIS_ANSWERS_WITHIN_MS = 5_000

/** The checkout. */
const ROOT = dirname(dirname(import.meta.dirname))

/** Of nobody on the machine: whom root prepares for. As in deploy/Dockerfile. */
const CONTAINER_OWNER = { uid: 10_001, gid: 10_001 }

const startedAt = performance.now()
// For everything the stack writes, the AOF of Redis included.
process.umask(0o077)
// A terminal that closes takes standard error with it; stopping in order matters more than saying so.
process.stderr.on('error', () => {})
const write = (text: string) => process.stderr.write(text)

const asked = parseArguments(process.argv.slice(2))
if (asked.kind === 'help') {
  write(HELP)
} else if (asked.kind === 'refused') {
  write(`${asked.text}\n`)
  process.exitCode = 2
} else if (asked.kind === 'prepare-compose') {
  process.exitCode = await prepare(process.env)
} else {
  process.exitCode = await up({ ...process.env, ...asked.settings })
}
// The channel of whoever started us would keep this process alive.
if (process.connected) process.disconnect()

async function up(env: Environment): Promise<number> {
  const signals = listenForStopSignals()
  try {
    const config = readUpConfig(env, process.cwd())
    await runStack({
      config,
      env,
      root: ROOT,
      clock: systemClock,
      progress: createProgress(write),
      signals,
      inspectRedis,
      onReady: ({ home, gatewayUrl }) => {
        const { account, region } = config
        const seconds = (performance.now() - startedAt) / 1000
        write(readyText({ home: shorten(home), gatewayUrl, account, region, seconds, pid: process.pid }))
        notifyReady()
      },
    })
    return 0
  } catch (error) {
    if (error instanceof StoppedError) return 0
    write(`${error instanceof BrokerError ? error.message : describe(error)}\n`)
    return 1
  }
}

async function prepare(env: Environment): Promise<number> {
  try {
    const config = readComposeConfig(env, process.cwd())
    const uid = process.getuid?.() ?? 0
    const owner = uid === 0 ? CONTAINER_OWNER : { uid, gid: process.getgid?.() ?? uid }
    const prepared = await prepareCompose({ config, env, owner, handsOver: uid === 0, now: systemClock.now() })
    const isLinked = linkDotEnv(ROOT, prepared.variablesFile)
    write(
      composeText({
        ...prepared,
        home: shorten(config.home),
        variablesFile: shorten(prepared.variablesFile),
        isLinked,
      }),
    )
    return 0
  } catch (error) {
    write(`${error instanceof BrokerError ? error.message : describe(error)}\n`)
    return 1
  }
}

async function inspectRedis(url: string): Promise<string[]> {
  try {
    await using undo = new AsyncDisposableStack()
    const redis = openRedis({ url, name: 'up' })
    undo.defer(() => closeRedis(redis))
    await whenReady(redis, AbortSignal.timeout(REDIS_ANSWERS_WITHIN_MS))
    return redisWarnings(await redisCall(redis, () => redis.info()))
  } catch (error) {
    throw new RedisUnusableError(`Cannot start with the Redis of SEALCAST_REDIS_URL: ${describeError(error).message}`)
  }
}

/** As the person at the terminal would type it. */
function shorten(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere === '' || fromHere.startsWith('..') ? path : fromHere
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : 'Cannot start: something that is no error was thrown'
}
