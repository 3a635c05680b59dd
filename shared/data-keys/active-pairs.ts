/**
 * How many pairs are active: have a data key, left in Redis for all gateways, that may seal now.
 *
 * It is what KMS calls are predicted from, so nothing here is counted from calls. Who stores a record notes its pair in
 * one sorted set, scored by the record's end; records could be counted only by looking at every key of the server.
 * A record stays noted until its end whatever becomes of it: a data key that was issued for a topic that is deleted,
 * or given another KMS key, costs what any other does. One that replaces a record of the same pair too early is one more
 * call, and no further pair.
 *
 *   issued ───────── reuse period ─────────▶ ended ── grace ──▶ counts no more
 *                                               └ next publish, KMS, Redis: some ms, then issued again
 *
 * The grace is there because between two keys of a steady publisher there is none, as lookers-on would see; it is a
 * hundredth of the period, so that what is predicted of a publisher who comes rarely is 1 % too high at most.
 *
 * Redis is not trusted: whoever writes to it can make the number wrong, and nothing else.
 */

import { defineScript, type Redis, redisCall } from '#shared/redis'
import { type DataKeyPair, recordNameOf } from './data-key-pair.ts'
import { MAX_REUSE_MS } from './reuse-period.ts'

export interface ActivePairs {
  /** Returns at once and never throws. @param leftMs what is left of the record's life */
  note(pair: DataKeyPair, leftMs: number): void
  /** @throws {RedisUnavailableError} when Redis does not answer */
  count(): Promise<number>
}

const KEY = 'sealcast:data-keys:active'
/** What a steady publisher's next message, KMS and Redis take on a machine that is busy. */
const MIN_GRACE_MS = 100
/** Longer than the grace of any reuse period. */
const STAY_MS = 10_000

const noteScript = defineScript(new URL('./note-active-pair.lua', import.meta.url))
const countScript = defineScript(new URL('./count-active-pairs.lua', import.meta.url))

/**
 * @param o.reuseMs 1 to 300,000
 * @param o.onForged the set had been replaced by a key of another type, which was removed
 * @param o.onFailure a pair could not be noted: it is missing for at most a reuse period
 */
export function createActivePairs({
  redis,
  reuseMs,
  onForged,
  onFailure,
}: {
  redis: Redis
  reuseMs: number
  onForged: (what: { kind: 'active-pairs' }) => void
  onFailure: (error: unknown) => void
}): ActivePairs {
  const graceMs = Math.max(MIN_GRACE_MS, Math.ceil(reuseMs / 100))
  return {
    note(pair, leftMs) {
      const noted = redisCall(redis, () =>
        noteScript.run(redis, [KEY], [recordNameOf(pair), leftMs, MAX_REUSE_MS, STAY_MS]),
      )
      noted.then((foreign) => {
        if (foreign === 1) onForged({ kind: 'active-pairs' })
      }, onFailure)
    },
    async count() {
      return Number(await redisCall(redis, () => countScript.run(redis, [KEY], [graceMs, MAX_REUSE_MS])))
    },
  }
}
