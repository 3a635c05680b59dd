/**
 * Which KMS keys messages wait for, over all partitions: for whoever operates them. Reads lengths and first entries
 * only, so that a million held messages cost no more than one; nothing of it is verified.
 */

import { type Redis, redisCall } from '#shared/redis'
import { readFields } from './claimed-entry.ts'
import { listHeldKeys } from './held.ts'
import { keys } from './keys.ts'

export interface HeldKey {
  keyArn: string
  /** Messages that wait for it; one that several subscriptions wait for in retries counts once for each. */
  count: number
  /** When the first in line was accepted: epoch ms; undefined when that cannot be told. */
  oldestAcceptedAt: number | undefined
  /** Since when messages wait for it without a break: epoch ms, by the clock of Redis. */
  heldSince: number
}

/** @returns in order of ARN */
export async function readHeldKeys({ redis, partitions }: { redis: Redis; partitions: number }): Promise<HeldKey[]> {
  const found = new Map<string, HeldKey>()
  for (let partition = 0; partition < partitions; partition++) {
    for (const keyArn of await listHeldKeys(redis, partition)) {
      const one = await readOne(redis, partition, keyArn)
      if (one === undefined) continue
      const before = found.get(keyArn)
      found.set(keyArn, before === undefined ? one : merge(before, one))
    }
  }
  return [...found.values()].toSorted((a, b) => (a.keyArn < b.keyArn ? -1 : 1))
}

async function readOne(redis: Redis, partition: number, keyArn: string): Promise<HeldKey | undefined> {
  const key = keys.heldKey(partition, keyArn)
  if ((await redisCall(redis, () => redis.type(key))) !== 'stream') return undefined
  const count = await redisCall(redis, () => redis.xlen(key))
  const [first] = await redisCall(redis, () => redis.xrangeBuffer(key, '-', '+', 'COUNT', 1))
  if (first === undefined) return undefined
  const [id, fields] = first
  const at = readFields(fields).get('at')?.toString('latin1') ?? ''
  return {
    keyArn,
    count,
    oldestAcceptedAt: /^\d{1,15}$/.test(at) ? Number(at) : undefined,
    heldSince: Number(String(id).split('-')[0]),
  }
}

function merge(one: HeldKey, other: HeldKey): HeldKey {
  const times = [one.oldestAcceptedAt, other.oldestAcceptedAt].filter((at) => at !== undefined)
  return {
    keyArn: one.keyArn,
    count: one.count + other.count,
    oldestAcceptedAt: times.length === 0 ? undefined : Math.min(...times),
    heldSince: Math.min(one.heldSince, other.heldSince),
  }
}
