/**
 * Counts every KMS request of this process in Redis, by topic, publisher, operation, purpose and outcome.
 *
 * Metrics cannot have a label for each publisher, and die with their process; a bill wants both explained. A request
 * costs one small script, issued in the turn in which KMS answered and so in one write with what stores the key.
 * Nobody waits for it. While Redis does not take it, counts add up here and are tried again; what may have been
 * counted already is never sent again, so that the ledger is short of a fault rather than long.
 */

import type { Clock } from '#shared/clock'
import {
  coalesceWrites,
  defineScript,
  type Redis,
  RedisRefusedError,
  RedisUnavailableError,
  RedisUnderReplicatedError,
  redisCall,
} from '#shared/redis'
import { countField, issuedField, type LedgerName, ledgerKey, monthOf } from './ledger-hash.ts'

export interface LedgerEntry {
  topicArn: string
  principal: string
  operation: string
  purpose: string
  /** `ok`, or an error's code. */
  outcome: string
}

export interface KmsLedger {
  /** Returns at once and never throws. */
  record(entry: LedgerEntry): void
  /** Tries what is left once more and waits for the outcome: before the connection is closed. */
  flush(): Promise<void>
}

/** The current month and the one before stay whole; a topic that is gone is forgotten after that. */
const LIFE_SECONDS = 62 * 86_400
/** Of one topic and month: some thousand publishers, and 1 MiB at most. */
const MAX_FIELDS = 10_000
/** Counts that wait for Redis, each a field. */
const MAX_WAITING = 10_000
const RETRY_MS = 1_000

const script = defineScript(new URL('./count-calls.lua', import.meta.url))

/** What is to be written to one hash. */
interface Waiting {
  readonly counts: Map<string, number>
  readonly issued: Map<string, number[]>
}

/**
 * @param o.onLost so many requests will not be in the ledger
 * @param o.onForged a ledger was not as one of us leaves it, and was mended
 */
export function createKmsLedger({
  redis,
  clock,
  onLost,
  onForged,
}: {
  redis: Redis
  clock: Clock
  onLost: (requests: number, error?: unknown) => void
  onForged: (what: { kind: 'kms-ledger'; topicArn: string }) => void
}): KmsLedger {
  /** By topic and month. */
  let waiting = new Map<string, LedgerName & Waiting>()
  const underWay = new Set<Promise<void>>()
  let retry: NodeJS.Timeout | undefined

  return {
    record(entry) {
      add(entry)
      send()
    },
    async flush() {
      clearTimeout(retry)
      await Promise.all(underWay)
      send()
      await Promise.all(underWay)
      clearTimeout(retry)
      const left = sum(waiting.values())
      waiting.clear()
      if (left > 0) onLost(left)
    },
  }

  function add({ topicArn, principal, operation, purpose, outcome }: LedgerEntry): void {
    const now = clock.now()
    const isOk = outcome === 'ok'
    const into = waitingFor({ topicArn, month: monthOf(now) })
    const field = countField({ principal, operation, purpose, isOk })
    into.counts.set(field, (into.counts.get(field) ?? 0) + 1)
    if (operation !== 'GenerateDataKey' || !isOk) return
    const issued = issuedField(principal)
    // First and last are all that is kept of them.
    into.issued.set(issued, [into.issued.get(issued)?.[0] ?? now, now])
  }

  function waitingFor(name: LedgerName): Waiting {
    const key = ledgerKey(name)
    const into = waiting.get(key) ?? { ...name, counts: new Map(), issued: new Map() }
    waiting.set(key, into)
    return into
  }

  function send(): void {
    clearTimeout(retry)
    const batch = waiting
    waiting = new Map()
    for (const [key, counts] of batch) {
      const sending: Promise<void> = store(key, counts).finally(() => underWay.delete(sending))
      underWay.add(sending)
    }
  }

  async function store(key: string, counts: LedgerName & Waiting): Promise<void> {
    const args = [...counts.counts].flatMap(([field, count]) => ['add', field, count])
    for (const [field, times] of counts.issued) for (const time of times) args.push('issued', field, time)
    try {
      const work = () => {
        coalesceWrites(redis)
        return script.run(redis, [key], [LIFE_SECONDS, MAX_FIELDS, ...args])
      }
      const [unroomed, foreign] = (await redisCall(redis, work, { writes: true })) as [number, number]
      if (unroomed > 0) onLost(unroomed)
      if (foreign === 1) onForged({ kind: 'kms-ledger', topicArn: counts.topicArn })
    } catch (error) {
      if (error instanceof RedisUnderReplicatedError) return
      if (error instanceof RedisUnavailableError || error instanceof RedisRefusedError) keep(counts, error)
      else onLost(sum([counts]), error)
    }
  }

  /** Nothing was stored: to be tried again with what comes next, or in a while. */
  function keep(counts: LedgerName & Waiting, error: unknown): void {
    const size = [...waiting.values()].reduce((total, { counts: fields }) => total + fields.size, 0)
    if (size + counts.counts.size > MAX_WAITING) {
      onLost(sum([counts]), error)
      return
    }
    const into = waitingFor(counts)
    for (const [field, count] of counts.counts) into.counts.set(field, (into.counts.get(field) ?? 0) + count)
    for (const [field, times] of counts.issued) {
      const all = [...(into.issued.get(field) ?? []), ...times]
      into.issued.set(field, [Math.min(...all), Math.max(...all)])
    }
    clearTimeout(retry)
    retry = setTimeout(send, RETRY_MS).unref()
  }
}

function sum(waiting: Iterable<Waiting>): number {
  let total = 0
  for (const { counts } of waiting) for (const count of counts.values()) total += count
  return total
}
