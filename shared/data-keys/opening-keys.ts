/**
 * The data keys a worker opens envelopes with.
 *
 * Cached by a hash of everything the answer depends on: the encrypted key, its id, the KMS key and the
 * context. A key opens messages of any age, so it is kept by use, not by age: ten minutes after its
 * last use, one hour at most, so that a key disabled in KMS stops opening within that hour. That a key was
 * opened is remembered longer, so that what retries and backlogs cost on top bears a purpose of its own.
 *
 * Failures are not cached, since the delivery loop holds the entry and probes by itself; except one:
 * an encrypted key that KMS says is not genuine will never become so, and asking again costs.
 */

import type { Clock } from '#shared/clock'
import { type DataKey, deriveDataKey } from '#shared/envelope'
import { BrokerError } from '#shared/errors'
import { hashParts } from '#shared/framing'
import { createLruMap } from '#shared/lru-map'
import { CONTEXT_KEY } from './data-key-pair.ts'
import type { DataKeySource } from './data-key-source.ts'
import { CLOCK_TOLERANCE_MS } from './issue-data-key.ts'

export interface SealedDataKey {
  encryptedDataKey: Buffer
  /** As the envelope names it. */
  dataKeyId: Buffer
  keyArn: string
  topicArn: string
  /** The publisher's ARN. */
  principal: string
}

export interface OpeningKeys {
  /**
   * A key that is held is given at once: most messages then need no turn of the event loop for it.
   *
   * @param o.purpose of a call to KMS, if one has to be made; by default to open a message, for the first time or again
   * @throws {BrokerError} why KMS did not decrypt it; rejects with it
   */
  obtain(sealed: SealedDataKey, o?: { purpose: 'probe' }): DataKey | Promise<DataKey>
  /** A key that is held; KMS is not asked for another. */
  find(sealed: SealedDataKey): DataKey | undefined
  /** How many are held; those that have been idle for too long are dropped first. */
  count(): number
}

interface OpenedKey {
  dataKey: DataKey
  openedAt: number
  usedAt: number
}

interface Rejection {
  error: BrokerError
  until: number
}

const IDLE_MS = 600_000
const MAX_AGE_MS = 3_600_000
const CAPACITY = 10_000
/** With the longest encrypted keys that KMS gives these are 6 MiB. */
const NAMES_CAPACITY = 1_000
/** Hashes of keys opened before, for each key held: 44 characters each. */
const REMEMBERED_PER_KEY = 4

/**
 * @param o.onLookup once a call: `hit` when the key was held, `miss` when KMS had to be asked or waited for
 * @param o.idleMs how long a key is kept after its last use
 * @param o.maxAgeMs how long it is kept at most; also how long a rejected encrypted key is remembered
 */
export function createOpeningKeys({
  kms,
  clock,
  onLookup,
  idleMs = IDLE_MS,
  maxAgeMs = MAX_AGE_MS,
  capacity = CAPACITY,
}: {
  kms: Pick<DataKeySource, 'decrypt'>
  clock: Clock
  onLookup: (result: 'hit' | 'miss') => void
  idleMs?: number
  maxAgeMs?: number
  capacity?: number
}): OpeningKeys {
  const opened = createLruMap<OpenedKey>(capacity)
  const openedBefore = createLruMap<true>(REMEMBERED_PER_KEY * capacity)
  const rejected = createLruMap<Rejection>(capacity)
  const flights = new Map<string, Promise<DataKey>>()
  const nameOf = createNames()

  return {
    obtain(sealed, o) {
      const cacheKey = nameOf(sealed)
      const held = find(cacheKey)
      if (held !== undefined) return held
      onLookup('miss')
      return flights.get(cacheKey) ?? startFlight(sealed, cacheKey, o?.purpose)
    },
    find: (sealed) => find(nameOf(sealed)),
    count() {
      dropIdle()
      return opened.size
    },
  }

  function find(cacheKey: string): DataKey | undefined {
    dropIdle()
    const key = opened.get(cacheKey)
    if (key === undefined || !isUsable(key)) return undefined
    key.usedAt = clock.now()
    onLookup('hit')
    return key.dataKey
  }

  function startFlight(sealed: SealedDataKey, cacheKey: string, purpose: 'probe' | undefined): Promise<DataKey> {
    const flight = open(sealed, cacheKey, purpose).finally(() => flights.delete(cacheKey))
    flights.set(cacheKey, flight)
    return flight
  }

  async function open(sealed: SealedDataKey, cacheKey: string, asked: 'probe' | undefined): Promise<DataKey> {
    const rejection = rejected.get(cacheKey)
    if (rejection !== undefined && clock.now() < rejection.until) throw rejection.error
    const { encryptedDataKey, dataKeyId, keyArn, topicArn, principal } = sealed
    const openedAt = clock.now()
    const purpose = asked ?? (openedBefore.get(cacheKey) === undefined ? 'deliver' : 'reopen')
    let plaintext: Buffer
    try {
      plaintext = await kms.decrypt({ encryptedDataKey, keyArn, topicArn, principal, purpose })
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'KMS_INTEGRITY') {
        rejected.set(cacheKey, { error, until: openedAt + maxAgeMs })
      }
      throw error
    }
    try {
      const dataKey = deriveDataKey(dataKeyId, plaintext)
      opened.set(cacheKey, { dataKey, openedAt, usedAt: clock.now() })
      openedBefore.set(cacheKey, true)
      return dataKey
    } finally {
      plaintext.fill(0)
    }
  }

  function isUsable({ openedAt, usedAt }: OpenedKey): boolean {
    const now = clock.now()
    // The lower bound is for a clock that was set back: the key's age can no longer be told.
    return now >= usedAt - CLOCK_TOLERANCE_MS && now - usedAt < idleMs && now - openedAt < maxAgeMs
  }

  /** The map is in order of last use, so this stops at the first key that was used lately. */
  function dropIdle(): void {
    const now = clock.now()
    for (const [cacheKey, { usedAt }] of opened.entries()) {
      if (now - usedAt < idleMs) return
      opened.delete(cacheKey)
    }
  }
}

/**
 * Names that were asked for lately, by the data key's id: most messages are sealed with the key of another
 * one, and comparing is cheaper than the hash (0.4 instead of 2 µs a message).
 */
function createNames(): (sealed: SealedDataKey) => string {
  const known = createLruMap<{ sealed: SealedDataKey; name: string }>(NAMES_CAPACITY)
  return (sealed) => {
    const id = sealed.dataKeyId.toString('latin1')
    const last = known.get(id)
    if (last !== undefined && isSame(last.sealed, sealed)) return last.name
    const name = cacheKeyOf(sealed)
    // A copy: the bytes at hand are part of a whole reply of Redis.
    known.set(id, { sealed: { ...sealed, encryptedDataKey: Buffer.from(sealed.encryptedDataKey) }, name })
    return name
  }
}

function isSame(a: SealedDataKey, b: SealedDataKey): boolean {
  return (
    a.keyArn === b.keyArn &&
    a.topicArn === b.topicArn &&
    a.principal === b.principal &&
    a.dataKeyId.equals(b.dataKeyId) &&
    a.encryptedDataKey.equals(b.encryptedDataKey)
  )
}

/**
 * The id is part of it although KMS does not know it: the derived key depends on it, and an entry with
 * an altered id must not leave a useless key to genuine ones.
 */
function cacheKeyOf({ encryptedDataKey, dataKeyId, keyArn, topicArn, principal }: SealedDataKey): string {
  return hashParts([encryptedDataKey, dataKeyId, keyArn, CONTEXT_KEY, topicArn, principal]).toString('base64')
}
