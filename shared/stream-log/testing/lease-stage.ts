/** What tests of the lease stand on: a real Redis, a partition of their own, and its lease. */

import assert from 'node:assert/strict'
import { createSecretKey, randomUUID } from 'node:crypto'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'
import { startTestRedis, type TestRedis } from '#shared/test-redis'
import { createStreamAppender, type StreamAppender } from '../append.ts'
import type { ClaimedEntry } from '../claimed-entry.ts'
import type { Entry } from '../entry.ts'
import { keys } from '../keys.ts'
import { acquireLease, type PartitionLease } from '../lease.ts'
import { partitionOf } from '../partition.ts'

export interface LeaseStage extends AsyncDisposable {
  redis: Redis
  partition: number
  stream: string
  recordMac: ReturnType<typeof createRecordMac>
  appender: StreamAppender
  /** Acquired by setup unless told otherwise. */
  readonly lease: PartitionLease
  /** An entry of this test's partition. */
  anEntry(o?: Partial<Entry>): Entry
  tryAcquire(onForeign?: () => void): Promise<PartitionLease | undefined>
  /** Released at the end. */
  acquire(): Promise<PartitionLease>
}

/** One server for a suite; each test has its own partition, and so its own keys. */
export function shareServer({ cluster }: { cluster: boolean }) {
  const starting = startTestRedis({ cluster })
  let partition = 0
  return {
    setup: async (o: { leaseMs?: number; acquire?: boolean } = {}) => setupOn(await starting, partition++, o),
    dispose: async () => (await starting)[Symbol.asyncDispose](),
  }
}

export async function setupOn(
  server: TestRedis,
  partition: number,
  { leaseMs = 60_000, acquire = true }: { leaseMs?: number; acquire?: boolean },
): Promise<LeaseStage> {
  const redis = openRedis({ url: server.url, name: 'test' })
  await whenReady(redis)
  const recordMac = createRecordMac(
    createSecretRing('0000000a', new Map([['0000000a', createSecretKey(Buffer.alloc(32, 7))]])),
  )
  const blockingRedis = () => openRedis({ url: server.url, name: 'test-wait', blocking: true })
  const tryAcquire = (onForeign = () => {}) => acquireLease({ redis, blockingRedis, partition, leaseMs, onForeign })
  const leases: PartitionLease[] = []
  const acquireOne = async () => {
    const lease = await tryAcquire()
    assert.ok(lease)
    leases.push(lease)
    return lease
  }
  const principal = principalOf(partition)
  const lease = acquire ? await acquireOne() : undefined
  return {
    redis,
    partition,
    stream: keys.streamKey(partition),
    recordMac,
    appender: createStreamAppender({ redis, recordMac, partitions: PARTITIONS }),
    get lease() {
      assert.ok(lease)
      return lease
    },
    anEntry: (o = {}) => ({
      kind: 'message',
      topicArn: TOPIC_ARN,
      incarnation: '00112233445566778899aabbccddeeff',
      messageId: randomUUID(),
      principal,
      acceptedAt: 1_767_225_600_000,
      attributes: [],
      body: Buffer.from('text'),
      ...o,
    }),
    tryAcquire,
    acquire: acquireOne,
    async [Symbol.asyncDispose]() {
      for (const lease of leases) await lease.release()
      await closeRedis(redis)
    },
  }
}

const TOPIC_ARN = 'arn:aws:sns:us-east-1:000000000000:orders'
const PARTITIONS = 64

/** A publisher whose messages on the topic lie in the given partition. */
function principalOf(partition: number): string {
  for (let n = 0; ; n++) {
    const principal = `arn:aws:iam::000000000000:user/u${n}`
    if (partitionOf(TOPIC_ARN, principal, PARTITIONS) === partition) return principal
  }
}

export function idOf(entries: readonly ClaimedEntry[], at: number): string {
  const entry = entries[at]
  assert.ok(entry)
  return entry.streamId
}

/** Entries that were claimed and not settled. */
export async function pendingOf(t: LeaseStage): Promise<number> {
  const [count] = await t.redis.xpending(t.stream, 'delivery')
  return Number(count)
}
