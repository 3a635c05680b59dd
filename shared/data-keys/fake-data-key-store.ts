/** A data-key store in memory, on a simulated clock; passes the same conformance suite as the one in Redis. */

import type { Clock } from '#shared/clock'
import { cacheKeyOf } from './data-key-pair.ts'
import type { DataKeyRecord } from './data-key-record.ts'
import type { DataKeyStore } from './data-key-store.ts'

export interface FakeDataKeyStore extends DataKeyStore {
  /** What `operation` throws from now on; undefined: it works. */
  fail(operation: 'read' | 'lock' | 'write' | 'unlock', error: Error | undefined): void
  /** Puts any record under a pair, as somebody who may write to Redis can. */
  put(pair: Parameters<DataKeyStore['read']>[0], record: DataKeyRecord): void
}

export function createFakeDataKeyStore({ clock }: { clock: Clock }): FakeDataKeyStore {
  const records = new Map<string, { value: DataKeyRecord; until: number }>()
  const locks = new Map<string, { value: string; until: number }>()
  const failures = new Map<string, Error | undefined>()
  let tokens = 0

  const begin = (operation: string) => {
    const failure = failures.get(operation)
    if (failure !== undefined) throw failure
  }
  const alive = <T>(map: Map<string, { value: T; until: number }>, key: string): T | undefined => {
    const entry = map.get(key)
    return entry !== undefined && clock.now() < entry.until ? entry.value : undefined
  }

  return {
    fail: (operation, error) => void failures.set(operation, error),
    put: (pair, record) => void records.set(cacheKeyOf(pair), { value: record, until: Number.POSITIVE_INFINITY }),
    async read(pair) {
      begin('read')
      const key = cacheKeyOf(pair)
      const record = alive(records, key)
      return record && { record, lifeMs: (records.get(key)?.until ?? 0) - clock.now() }
    },
    async lock(pair, leaseMs) {
      begin('lock')
      if (alive(locks, cacheKeyOf(pair)) !== undefined) return undefined
      const token = `token-${++tokens}`
      locks.set(cacheKeyOf(pair), { value: token, until: clock.now() + leaseMs })
      return token
    },
    async write(pair, { record, token, leaseMs, lifeMs }) {
      begin('write')
      const key = cacheKeyOf(pair)
      if (alive(locks, key) !== token) return false
      const takenAt = (locks.get(key)?.until ?? 0) - leaseMs
      locks.delete(key)
      if (takenAt + lifeMs <= clock.now()) return false
      records.set(key, { value: record, until: takenAt + lifeMs })
      return true
    },
    async unlock(pair, token) {
      begin('unlock')
      if (alive(locks, cacheKeyOf(pair)) === token) locks.delete(cacheKeyOf(pair))
    },
  }
}
