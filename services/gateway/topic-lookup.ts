/**
 * Topics by ARN, at most one second old, and who is storing something by them.
 *
 * Publishing would otherwise cost one more round trip a message. What is decided by a topic that was read must be
 * stored before a change of the topic is answered, or not at all. So whoever stores says when, and whether what it
 * decided by still counts is looked at in the same tick as the write is issued:
 *
 *   read ── decide (may take a while: KMS) ── still current? ── yes ─→ write, counted until Redis answers
 *    ↑                                              │ no
 *    └──────────────────────────────────────────────┘
 *
 * `forget` makes all earlier reads of a topic outdated at once, also those under way, and resolves when the
 * writes that had begun by then have ended. Reads that this process was paused over outdate themselves by age.
 */

import type { Catalog, Topic } from '#shared/catalog'
import type { Clock } from '#shared/clock'
import { NotFoundError } from '#shared/sns-wire'
import { TopicOutdatedError } from './errors.ts'

/**
 * Runs `write`, which must issue its command before it first awaits. At most once, as the whole use may be repeated.
 *
 * `decidedAt`, by `performance.now()`, is from before the topic was looked at: a command that leaves much later must not
 * leave at all (`coalesceWrites`).
 */
export type StoreIfCurrent = <T>(write: (decidedAt: number) => Promise<T>) => Promise<T>

export interface TopicInUse {
  readonly topic: Topic
  /** @throws {TopicOutdatedError} which `use` understands */
  readonly store: StoreIfCurrent
}

export interface TopicLookup {
  /** The topic, or undefined when there is none. */
  find(arn: string): Promise<Topic | undefined>
  /**
   * Runs `work`, which decides by the topic and stores what it decided; again with the topic as it then is, when it
   * changed before anything was stored.
   *
   * @param whenMissing throws what is to be said instead of `Topic does not exist`, if anything is
   * @throws {NotFoundError} `Topic does not exist`
   * @throws {TopicOutdatedError} when it changed, or could not be read in time, again and again; nothing was stored
   */
  use<T>(arn: string, work: (inUse: TopicInUse) => Promise<T>, whenMissing?: () => void): Promise<T>
  /** Drops the topic at once. Resolves when all that was being stored by an earlier read has been, or has failed. */
  forget(arn: string): Promise<void>
  /** Drops all topics at once. */
  forgetAll(): void
}

/** Whether changes elsewhere would become known here, and whether who changes something waits for this gateway. */
export interface Standing {
  isListening(): boolean
  isKnown(): boolean
  makeKnown(): Promise<void>
}

/** How long a topic read is trusted. Changes wait this long for a gateway that does not answer. */
export const MAX_AGE_MS = 1000
/** Topics kept; about 1 KiB each. The oldest read goes first. */
const CAPACITY = 10_000
/** Each repetition means a change, or a read or a data key that took longer than a second. */
const MAX_ATTEMPTS = 5

/** What was read of a topic since it was last forgotten. */
interface Known {
  readonly arn: string
  latest: Read
  forgotten: boolean
  /** Writes begun and not ended. */
  storing: number
  readonly whenDrained: (() => void)[]
}

interface Read {
  readonly at: number
  readonly topic: Promise<Topic | undefined>
  /** Once it has come: nobody then has to wait for a turn of the queue of promises. */
  found: Topic | undefined
}

export function createTopicLookup({
  catalog,
  clock,
  standing,
  capacity = CAPACITY,
}: {
  catalog: Pick<Catalog, 'readTopic'>
  clock: Clock
  standing: Standing
  capacity?: number
}): TopicLookup {
  /** In order of the latest read, oldest first. */
  const cached = new Map<string, Known>()
  /** Those with writes under way, forgotten ones too. */
  const storing = new Set<Known>()

  const isYoung = ({ at }: Read) => {
    const age = clock.now() - at
    // The lower bound is for a clock that was set back.
    return age >= 0 && age < MAX_AGE_MS
  }

  /** Reads again unless what is known is young. Callers wait only where there is something to wait for. */
  const look = (arn: string): Known | Promise<Known> => {
    const known = cached.get(arn)
    // Before the read: a change that comes between is one whose author waits for us.
    if (!standing.isKnown()) return standing.makeKnown().then(() => startRead(arn))
    return known !== undefined && isYoung(known.latest) && standing.isListening() ? known : startRead(arn)
  }

  const startRead = (arn: string): Known => {
    const before = cached.get(arn)
    // Unchanged it stays the same object, with what was parsed and decided by it.
    const topic = catalog.readTopic(arn, before?.latest.found).then((snapshot) => snapshot?.topic)
    const read: Read = { at: clock.now(), topic, found: undefined }
    const known: Known = before ?? { arn, latest: read, forgotten: false, storing: 0, whenDrained: [] }
    known.latest = read
    cached.delete(arn)
    cached.set(arn, known)
    if (cached.size > capacity) {
      const [oldest] = cached.values()
      if (oldest !== undefined) drop(oldest)
    }
    // Neither a failure nor an absence is remembered: the next caller asks again.
    const dropIfLatest = () => {
      if (known.latest === read) drop(known)
    }
    topic.then((found) => {
      read.found = found
      if (found === undefined) dropIfLatest()
    }, dropIfLatest)
    return known
  }

  /** Outdated with it, as `forget` could not find it any more. */
  const drop = (known: Known) => {
    known.forgotten = true
    if (cached.get(known.arn) === known) cached.delete(known.arn)
  }

  const begin = (known: Known) => {
    if (known.storing++ === 0) storing.add(known)
  }

  const end = (known: Known) => {
    if (--known.storing > 0) return
    storing.delete(known)
    for (const resolve of known.whenDrained.splice(0)) resolve()
  }

  const storeIfCurrent =
    (known: Known, read: Read): StoreIfCurrent =>
    async (write) => {
      const decidedAt = performance.now()
      if (known.forgotten || !isYoung(read) || !standing.isKnown()) throw new TopicOutdatedError()
      begin(known)
      try {
        return await write(decidedAt)
      } finally {
        end(known)
      }
    }

  return {
    async find(arn) {
      return (await look(arn)).latest.topic
    },
    async use(arn, work, whenMissing) {
      for (let attempt = 1; ; attempt++) {
        const looked = look(arn)
        const known = looked instanceof Promise ? await looked : looked
        const read = known.latest
        const topic = read.found ?? (await read.topic)
        if (topic === undefined) {
          whenMissing?.()
          throw new NotFoundError('Topic does not exist')
        }
        try {
          return await work({ topic, store: storeIfCurrent(known, read) })
        } catch (error) {
          if (!(error instanceof TopicOutdatedError) || attempt >= MAX_ATTEMPTS) throw error
        }
      }
    },
    async forget(arn) {
      const known = cached.get(arn)
      if (known !== undefined) drop(known)
      const ending = [...storing].filter((one) => one.arn === arn)
      await Promise.all(ending.map((one) => new Promise<void>((resolve) => one.whenDrained.push(resolve))))
    },
    forgetAll() {
      for (const known of cached.values()) drop(known)
    },
  }
}
