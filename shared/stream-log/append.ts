/**
 * Appends entries to their partition streams. What `append` and `appendBatch` return from is stored; what
 * they throw says whether it may be stored nevertheless (#shared/redis).
 */

import type { RecordMac } from '#shared/record-mac'
import {
  coalesceWrites,
  defineScript,
  type EncodedArguments,
  encodeArguments,
  type Redis,
  redisCall,
  type ScriptArgument,
  sendEncoded,
} from '#shared/redis'
import { type CommonFields, type Entry, encodeCommonFields, encodeEntry, encodeOwnFields } from './entry.ts'
import { keys } from './keys.ts'
import { partitionOf } from './partition.ts'

export interface StreamAppender {
  /**
   * @throws {RedisUnavailableError} {@link RedisRefusedError} nothing is stored
   * @throws {RedisOutcomeUnknownError} it may be stored
   * @throws {RedisUnderReplicatedError} it is stored, and a fail-over may lose it
   */
  append(entry: Entry, o?: AppendOptions): Promise<void>
  /**
   * Appends all of them in order, or none.
   *
   * @param entries at least one, all of one topic and principal, hence of one partition
   * @throws {RangeError} for entries of two partitions, or none
   * @throws as `append`; what may be stored is all of them
   */
  appendBatch(entries: readonly Entry[], o?: AppendOptions): Promise<void>
}

export interface AppendOptions {
  /** When it was decided that the entries may be stored; see `coalesceWrites`. Absent: now. */
  readonly decidedAt?: number
}

/** Pairs of topic and principal; about 2 KiB each. */
const MAX_PUBLISHERS_REMEMBERED = 10_000

const batchScript = defineScript(new URL('./append-batch.lua', import.meta.url))

/** @param partitions from `openMeta`, not from a setting */
export function createStreamAppender({
  redis,
  recordMac,
  partitions,
}: {
  redis: Redis
  recordMac: RecordMac
  partitions: number
}): StreamAppender {
  const publishers = new Map<string, Publisher>()

  /** Remembered, since a publisher stays with its topic: the hash is 3 % of what a publish costs. */
  const publisherOf = ({ topicArn, principal }: Entry) => {
    const name = `${topicArn}\n${principal}`
    const known = publishers.get(name)
    if (known !== undefined) return known
    const publisher: Publisher = { stream: keys.streamKey(partitionOf(topicArn, principal, partitions)) }
    if (publishers.size >= MAX_PUBLISHERS_REMEMBERED) publishers.clear()
    publishers.set(name, publisher)
    return publisher
  }

  /** Every append goes through here: one command or script, whose failure is told as that of a write. */
  const write = (work: () => Promise<unknown>, decidedAt: number | undefined) =>
    redisCall(
      redis,
      () => {
        // Publishes that arrive together leave together; see the numbers there.
        coalesceWrites(redis, decidedAt)
        return work()
      },
      { writes: true },
    )

  return {
    async append(entry, { decidedAt } = {}) {
      const { command, framed } = commonOf(publisherOf(entry), entry)
      const then = encodeOwnFields(entry, framed, recordMac)
      await write(() => sendEncoded(redis, 'xadd', { first: command, then }), decidedAt)
    },
    async appendBatch(entries, { decidedAt } = {}) {
      const [first] = entries
      if (first === undefined) throw new RangeError('Cannot append a batch: it has no entries')
      const isTogether = ({ topicArn, principal }: Entry) =>
        topicArn === first.topicArn && principal === first.principal
      if (!entries.every(isTogether)) throw new RangeError('Cannot append a batch: its entries have several publishers')
      const args = batchArguments(first, entries, recordMac)
      await write(() => batchScript.run(redis, [publisherOf(first).stream], args), decidedAt)
    },
  }
}

interface Publisher {
  readonly stream: string
  /** What its latest entry had in common with the next, and that entry's fields in it which may change. */
  latest?: Shared & Common
}

interface Common {
  /** The arguments that the command begins with. */
  readonly command: EncodedArguments
  readonly framed: CommonFields['framed']
}

/** What the common fields of a publisher's entries are made of, beside its topic and principal. */
type Shared = Pick<Entry, 'kind' | 'incarnation' | 'sealed'>

/** Encoded once for all entries of a publisher under one data key: with them a publish took 5 µs longer (Node 24). */
function commonOf(publisher: Publisher, entry: Entry): Common {
  const { latest } = publisher
  if (latest !== undefined && haveInCommon(latest, entry)) return latest
  const { kind, incarnation, sealed } = entry
  const { fields, framed } = encodeCommonFields(entry)
  const command = encodeArguments([publisher.stream, '*', ...fields])
  publisher.latest = { kind, incarnation, ...(sealed !== undefined && { sealed }), command, framed }
  return publisher.latest
}

/**
 * What is the same in all entries (topic, principal, data key, …) once, then what is each entry's own.
 *
 * The driver takes as long for a short argument as for a long one: a batch of ten sealed messages of
 * 1 KiB had 391 of them and took 58 µs to write, with what is the same sent once 15 (Node 24, one core of two).
 */
function batchArguments(first: Entry, entries: readonly Entry[], recordMac: RecordMac): ScriptArgument[] {
  const common = entries.every((entry) => haveInCommon(first, entry)) ? encodeCommonFields(first) : undefined
  const args: ScriptArgument[] = [common?.fields.length ?? 0, ...(common?.fields ?? [])]
  for (const entry of entries) {
    const own = common === undefined ? encodeEntry(entry, recordMac) : encodeOwnFields(entry, common.framed, recordMac)
    args.push(own.length, ...own)
  }
  return args
}

/** Whether the common fields of the one are those of the other too, their topic and principal being the same. */
function haveInCommon(a: Shared, b: Shared): boolean {
  return (
    a.kind === b.kind &&
    a.incarnation === b.incarnation &&
    a.sealed?.encryptedDataKey === b.sealed?.encryptedDataKey &&
    a.sealed?.keyArn === b.sealed?.keyArn
  )
}
