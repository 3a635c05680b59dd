/** A worker that is stopped for longer than its leases, and goes on, has lost them, and nothing else. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'
import {
  createKey,
  createTopic,
  kmsClient,
  readMetrics,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'
import { startSteadyLoad, watchArrivals } from './steady-load.ts'
import { until } from './until.ts'

const PARTITIONS = 16
const LEASE_MS = 1_500
const TOPICS = 8

suite('SIGSTOP of one of two workers', () => {
  test('for longer than its leases loses nothing; awake, it settles nothing and takes part again', async (t) => {
    await using stack = await startStack({ env: { SEALCAST_WORKERS: '2', SEALCAST_LEASE_MS: String(LEASE_MS) } })
    trustStack(stack)
    await using undo = new AsyncDisposableStack()
    const redis = openRedis({ url: stack.env.SEALCAST_REDIS_URL ?? '', name: 'test' })
    undo.defer(() => closeRedis(redis))
    await whenReady(redis)
    const sns = snsClient(stack)
    const kms = kmsClient(stack)
    const KmsMasterKeyId = await createKey(kms)
    const topicArns = await Promise.all(Array.from({ length: TOPICS }, () => createTopic(sns, { KmsMasterKeyId })))
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArns })
    const arrivals = watchArrivals(subscriber)
    await until('each worker has half', async () => (await owned(stack)).every((count) => count === PARTITIONS / 2))
    const load = startSteadyLoad({ sns, topicArns, perSecond: 100 })
    await sleep(1_000)

    const tokensBefore = await readTokens(redis)
    stack.signal('delivery', 'SIGSTOP')
    // Half of the tokens change: those of the one that stands still.
    await until(
      'the other has taken over',
      async () => differences(tokensBefore, await readTokens(redis)).length === PARTITIONS / 2,
    )
    const tokensAfter = await readTokens(redis)
    const lostTokens = new Set(differences(tokensBefore, tokensAfter).map((partition) => tokensBefore[partition]))
    await sleep(LEASE_MS)

    const commands = await watchTokens(redis, lostTokens)
    stack.signal('delivery', 'SIGCONT')
    await until('each worker has half', async () => (await owned(stack)).every((count) => count === PARTITIONS / 2))
    await sleep(1_000)
    const { acknowledged, errors } = await load.stop()
    await untilFinished(stack)

    const tokensAtEnd = await readTokens(redis)
    const refused = await commands.stop()
    t.diagnostic(
      `acknowledged ${acknowledged.length}, delivered ${arrivals.messageIds.size}, duplicates ${arrivals.duplicates}, ` +
        `lost 0; commands under lost leases: ${[...refused].map(([name, count]) => `${count} ${name}`).join(', ')}`,
    )
    assert.deepEqual(errors, [])
    assert.deepEqual(
      acknowledged.filter((id) => !arrivals.messageIds.has(id)),
      [],
    )
    // It woke up believing that it held them: each of its commands was refused, since none of its tokens came back.
    assert.ok(refused.size > 0)
    assert.deepEqual(
      [...tokensAfter, ...tokensAtEnd].filter((token) => lostTokens.has(token)),
      [],
    )
    assert.equal((await metric(stack, 'sealcast_leases_lost_total')).filter((count) => count > 0).length, 1)
    assert.ok(
      (await metric(stack, 'sealcast_partitions_taken_over_total\\{[^}]*reason="expired"[^}]*\\}')).some(
        (count) => count > 0,
      ),
    )
    sns.destroy()
    kms.destroy()
  })
})

async function readTokens(redis: Redis): Promise<(string | null)[]> {
  return await redis.mget(Array.from({ length: PARTITIONS }, (_, partition) => `sealcast:{p:${partition}}:lease`))
}

/** @returns partitions whose lease was held and is held by another now */
function differences(before: readonly (string | null)[], after: readonly (string | null)[]): number[] {
  return before.flatMap((token, partition) => {
    const next = after[partition]
    return token !== null && next !== null && next !== token ? [partition] : []
  })
}

/** Counts, by script, the commands that name one of the tokens. */
async function watchTokens(redis: Redis, tokens: ReadonlySet<string | null | undefined>) {
  const seen = new Map<string, number>()
  const monitor = await redis.monitor()
  monitor.on('monitor', (_time: string, args: readonly string[], source: string) => {
    // What scripts do inside Redis is shown too.
    if (source === 'lua' || !args.some((arg) => tokens.has(arg))) return
    seen.set(args[0] ?? '', (seen.get(args[0] ?? '') ?? 0) + 1)
  })
  return {
    async stop() {
      monitor.disconnect()
      return seen
    },
  }
}

async function owned(stack: Stack): Promise<number[]> {
  return await metric(stack, 'sealcast_partitions_owned')
}

/** Values of a series, one for each process that has it; a process that stands still has none. */
async function metric(stack: Stack, series: string): Promise<number[]> {
  const pattern = new RegExp(`^${series}(?:\\{[^}]*\\})? (\\S+)$`, 'm')
  const pages = await readMetrics(stack)
  return pages.flatMap((page) => {
    const value = pattern.exec(page)?.[1]
    return value === undefined ? [] : [Number(value)]
  })
}
