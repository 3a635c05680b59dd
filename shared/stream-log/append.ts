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
import { type Entry, encodeCommonFields, encodeEntry, encodeOwnFields, type Fields } from './entry.ts'
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

/** Pairs of topic and principal; about 1 KiB each. */
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
      const first = encodeCommon(publisherOf(entry), entry)
      const then = encodeOwnFields(entry, recordMac)
      await write(() => sendEncoded(redis, 'xadd', { first, then }), decidedAt)
    },
    async appendBatch(entries, { decidedAt } = {}) {
      const [first] = entries
      if (first === undefined) throw new RangeError('Cannot append a batch: it has no entries')
      const isTogether = ({ topicArn, principal }: Entry) =>
        topicArn === first.topicArn && principal === first.principal
      if (!entries.every(isTogether)) throw new RangeError('Cannot append a batch: its entries have several publishers')
      const args = batchArguments(entries.map((entry) => encodeEntry(entry, recordMac)))
      await write(() => batchScript.run(redis, [publisherOf(first).stream], args), decidedAt)
    },
  }
}

interface Publisher {
  readonly stream: string
  /** The arguments that its latest entry began with, and that entry's fields in them which may change. */
  latest?: Pick<Entry, 'kind' | 'incarnation' | 'sealed'> & { readonly common: EncodedArguments }
}

/** Encoded once for all entries of a publisher under one data key: with them a publish took 5 µs longer (Node 24). */
function encodeCommon(publisher: Publisher, entry: Entry): EncodedArguments {
  const { latest } = publisher
  const { kind, incarnation, sealed } = entry
  if (
    latest !== undefined &&
    latest.kind === kind &&
    latest.incarnation === incarnation &&
    latest.sealed?.encryptedDataKey === sealed?.encryptedDataKey &&
    latest.sealed?.keyArn === sealed?.keyArn
  ) {
    return latest.common
  }
  const common = encodeArguments([publisher.stream, '*', ...encodeCommonFields(entry)])
  publisher.latest = { kind, incarnation, ...(sealed !== undefined && { sealed }), common }
  return common
}

/**
 * What is the same in all entries (topic, principal, data key, …) once, then what is each entry's own.
 *
 * The driver takes as long for a short argument as for a long one: a batch of ten sealed messages of
 * 1 KiB had 391 of them and took 58 µs to write, now it has 91 and takes 15 (Node 24, one core of two).
 */
function batchArguments(batch: readonly Fields[]): ScriptArgument[] {
  const [first = [], ...others] = batch
  const maps = others.map(mapOf)
  const common: Fields = []
  const names = new Set<unknown>()
  for (let at = 0; at + 1 < first.length; at += 2) {
    const [name = '', value = ''] = first.slice(at, at + 2)
    if (!maps.every((fields) => fields.get(name) === value)) continue
    common.push(name, value)
    names.add(name)
  }
  const args: ScriptArgument[] = [common.length, ...common]
  for (const fields of batch) {
    const countAt = args.push(0) - 1
    for (let at = 0; at + 1 < fields.length; at += 2) {
      if (!names.has(fields[at])) args.push(fields[at] ?? '', fields[at + 1] ?? '')
    }
    args[countAt] = args.length - countAt - 1
  }
  return args
}

function mapOf(fields: Fields): Map<unknown, string | Buffer | undefined> {
  const map = new Map<unknown, string | Buffer | undefined>()
  for (let at = 0; at < fields.length; at += 2) map.set(fields[at], fields[at + 1])
  return map
}
