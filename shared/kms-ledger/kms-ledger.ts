/**
 * Counts every KMS request of this process in Redis, by topic, publisher, operation, purpose,
 * outcome, KMS key and hour.
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
import { hourOf } from './count-text.ts'
import { countField, issuedField, type LedgerName, ledgerKey, monthOf } from './ledger-hash.ts'

export interface LedgerEntry {
  topicArn: string
  principal: string
  operation: string
  purpose: string
  /** `ok`, or an error's code. */
  outcome: string
  /** ARN of the KMS key, or the identifier that was configured. */
  key: string
}

export interface KmsLedger {
  /** Returns at once and never throws. */
  record(entry: LedgerEntry): void
  /** Tries what is left once more and waits for the outcome: before the connection is closed. */
  flush(): Promise<void>
}

/** The current month and the one before stay whole; a topic that is gone is forgotten after that. */
const LIFE_SECONDS = 62 * 86_400
/** Of one topic and month: some thousand publishers; a field takes some 300 bytes, one of a month without pause 1.2 KiB. */
const MAX_FIELDS = 10_000
/** Before the day of a count: a span of three days back from any hour is known by hours, with a day for clocks that differ. */
const DAYS_OF_HOURS = 4
/** Counts that wait for Redis, each a field. */
const MAX_WAITING = 10_000
const RETRY_MS = 1_000

const script = defineScript(new URL('./count-calls.lua', import.meta.url))

/** What is to be written to one hash. */
interface Waiting {
  /** By field and hour. */
  readonly counts: Map<string, WaitingCount>
  readonly issued: Map<string, number[]>
}

interface WaitingCount {
  readonly field: string
  readonly hour: string
  count: number
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

  function add({ topicArn, principal, operation, purpose, outcome, key }: LedgerEntry): void {
    const now = clock.now()
    const isOk = outcome === 'ok'
    const into = waitingFor({ topicArn, month: monthOf(now) })
    addTo(into, { field: countField({ principal, operation, purpose, isOk, key }), hour: hourOf(now), count: 1 })
    if (operation !== 'GenerateDataKey' || !isOk) return
    const issued = issuedField({ principal, key })
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
    const args = [...counts.counts.values()].flatMap(({ field, hour, count }) => ['add', field, hour, count])
    for (const [field, times] of counts.issued) for (const time of times) args.push('issued', field, '', time)
    try {
      const work = () => {
        coalesceWrites(redis)
        return script.run(redis, [key], [LIFE_SECONDS, MAX_FIELDS, DAYS_OF_HOURS, ...args])
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
    for (const count of counts.counts.values()) addTo(into, count)
    for (const [field, times] of counts.issued) {
      const all = [...(into.issued.get(field) ?? []), ...times]
      into.issued.set(field, [Math.min(...all), Math.max(...all)])
    }
    clearTimeout(retry)
    retry = setTimeout(send, RETRY_MS).unref()
  }
}

function addTo({ counts }: Waiting, more: WaitingCount): void {
  const name = `${more.hour} ${more.field}`
  const known = counts.get(name)
  if (known === undefined) counts.set(name, { ...more })
  else known.count += more.count
}

function sum(waiting: Iterable<Waiting>): number {
  let total = 0
  for (const { counts } of waiting) for (const { count } of counts.values()) total += count
  return total
}
