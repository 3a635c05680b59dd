/** A Redis that cannot keep what it is given, or is not there. */

import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKey, createTopic, publish, redisCli } from '../../../services/test/messaging.ts'
import { until } from '../../../services/test/until.ts'
import type { Stage } from '../stage.ts'
import type { ProvokedFault } from './fault.ts'

/** So that what the run itself stores changes little about how full it is. */
const BALLAST = 'observability:ballast'
const BALLAST_BYTES = 100 * 1024 * 1024

export const NO_AOF: ProvokedFault = {
  name: 'Redis loses its append-only file, and a snapshot fails',
  feeds: ['redis_aof_enabled', 'redis_persistence_ok'],
  alerts: ['SealcastRedisPersistenceFailing', 'SealcastRedisAofOff'],
  async provoke({ stack }, { undo }) {
    const set = (name: string, value: string) => redisCli(stack, 'CONFIG', 'SET', name, value)
    // A second for each key, so that there is a child to be killed. Redis would refuse writes afterwards.
    await set('stop-writes-on-bgsave-error', 'no')
    await set('rdb-key-save-delay', '1000000')
    await set('save', '3600 1000000')
    await redisCli(stack, 'BGSAVE')
    undo.defer(async () => {
      await set('rdb-key-save-delay', '0')
      await redisCli(stack, 'BGSAVE')
      await set('save', '')
    })
    const child = await until('Redis has a child', () => childOf(stack.pidOf('redis') ?? 0))
    process.kill(child, 'SIGKILL')
    await set('appendonly', 'no')
    undo.defer(async () => {
      await set('rdb-key-save-delay', '0')
      await set('appendonly', 'yes')
    })
  },
}

export const FULL: ProvokedFault = {
  name: 'Redis fills up',
  feeds: ['redis_memory'],
  alerts: ['SealcastRedisMemoryHigh', 'SealcastRedisMemoryFull'],
  async provoke({ stack }, { undo, untilFired }) {
    await redisCli(stack, 'SETRANGE', BALLAST, String(BALLAST_BYTES), '.')
    undo.defer(async () => {
      await redisCli(stack, 'CONFIG', 'SET', 'maxmemory', '0')
      await redisCli(stack, 'DEL', BALLAST)
    })
    await fillTo(stack, 0.88)
    await untilFired('SealcastRedisMemoryHigh')
    await fillTo(stack, 0.97)
    await untilFired('SealcastRedisMemoryFull')
  },
}

export const STOPPED: ProvokedFault = {
  name: 'Redis stands still while KMS calls are under way',
  feeds: ['redis_up', 'ledger_lost'],
  alerts: ['SealcastRedisDown', 'SealcastKmsLedgerLost'],
  async provoke({ stack, cast, kms, kmsFaults }, { undo }) {
    const topics = await Promise.all(
      Array.from({ length: 4 }, async () => createTopic(cast.admin, { KmsMasterKeyId: await createKey(kms) })),
    )
    await kmsFaults('PUT', { faults: [{ kind: 'latency', ms: 1_500 }] })
    undo.defer(() => kmsFaults('DELETE'))
    void Promise.allSettled(topics.map((topicArn) => publish(cast.admin, topicArn, 'under way')))
    // The calls are under way then: they take longer, and Redis has said before that nobody else makes them.
    await sleep(800)
    stack.signal('redis', 'SIGSTOP')
    undo.defer(() => stack.signal('redis', 'SIGCONT'))
    // Counts that were sent and not answered are known to be lost once it is back.
    await sleep(10_000)
    stack.signal('redis', 'SIGCONT')
  },
}

/** Lets Redis have so much memory that it uses this share of it. */
async function fillTo(stack: Stage['stack'], share: number): Promise<void> {
  const used = Number(/^used_memory:(\d+)/m.exec(await redisCli(stack, 'INFO', 'memory'))?.[1])
  await redisCli(stack, 'CONFIG', 'SET', 'maxmemory', String(Math.round(used / share)))
}

function childOf(pid: number): number | undefined {
  try {
    return Number(execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' }).split('\n')[0])
  } catch {
    return undefined // None yet.
  }
}
