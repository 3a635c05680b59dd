/**
 * Obtains a data key for a pair so that all gateways together ask KMS for one.
 *
 *   stored record usable? ── yes ─→ Decrypt it (purpose `share`)
 *            │ no
 *   lock taken? ── yes ─→ look again, then GenerateDataKey (purpose `issue`), store, release
 *            │ no
 *   wait 25 ms and begin again, for at most 4 s
 *
 * All of it together has one deadline, whatever was waited for: whoever gets the lock late has less time for KMS.
 *
 * A waiter competes for the lock at each turn, so a holder whose KMS call was refused, or that died,
 * delays others no longer than it must. The key is handed out before it is stored: the publish that
 * waits is about to find out by itself whether Redis answers, and a key that KMS has issued must not
 * be lost. Where storing fails, another gateway will issue one of its own.
 *
 * No cache here, and no memory between calls: sealing-keys.ts has both.
 */

import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '#shared/clock'
import { type DataKey, deriveDataKey } from '#shared/envelope'
import { BrokerError } from '#shared/errors'
import type { DataKeyPair } from './data-key-pair.ts'
import type { DataKeyRecord } from './data-key-record.ts'
import type { DataKeySource } from './data-key-source.ts'
import type { DataKeyStore } from './data-key-store.ts'
import { DataKeyUnavailableError } from './errors.ts'
import { inTime } from './in-time.ts'
import { MAX_REUSE_MS } from './reuse-period.ts'

export interface IssuedDataKey {
  dataKey: DataKey
  encryptedDataKey: Buffer
  keyArn: string
  /** Epoch ms, just before the request to KMS. */
  issuedAt: number
}

/** An issued key and the moment, in epoch ms of our clock, from which nothing may be sealed with it. */
export interface ExpiringDataKey {
  issued: IssuedDataKey
  expiresAt: number
}

/** How far clocks of gateways may differ. */
export const CLOCK_TOLERANCE_MS = 5_000
/** Above the deadline of one KMS call (4 s), so that a lock outlives the call it protects. */
const LOCK_MS = 5_000
const POLL_MS = 25
const WAIT_MS = 4_000
/** For everything: the deadline of one KMS call (4 s), so that it is the call that tells why, and what Redis takes. */
const OBTAIN_WITHIN_MS = 4_500
/** Less life than this is not worth a Decrypt; the next key is due anyway. */
const MIN_SHARED_LIFE_MS = 2_000
const DATA_KEY_ID_BYTES = 16

interface UsableRecord extends DataKeyRecord {
  /** By our clock. */
  expiresAt: number
}

export interface DataKeyIssuer {
  /**
   * @param avoid id of a data key that must not be used again, though it may still be stored
   * @throws {DataKeyUnavailableError} when another gateway holds the lock and stores no key in time
   * @throws {BrokerError} what the source and the store throw
   */
  obtain(pair: DataKeyPair, avoid?: Buffer): Promise<ExpiringDataKey>
}

export function createDataKeyIssuer({
  kms,
  store,
  clock,
  reuseMs,
  onStoreFailure,
  pause = delay,
}: {
  kms: DataKeySource
  store: DataKeyStore
  clock: Clock
  reuseMs: number
  onStoreFailure: (error: unknown) => void
  /** Waits; replaced where time is simulated. */
  pause?: (ms: number) => Promise<unknown>
}): DataKeyIssuer {
  // A quarter, since with a reuse period of a second no record has two seconds left.
  const minSharedLifeMs = Math.min(MIN_SHARED_LIFE_MS, reuseMs / 4)

  return {
    async obtain(pair, avoid) {
      const startedAt = clock.now()
      const givesUpAt = startedAt + WAIT_MS
      const deadlineAt = startedAt + OBTAIN_WITHIN_MS
      let avoided = avoid
      for (;;) {
        const record = await readUsable(pair, avoided)
        if (record !== undefined) {
          try {
            return await share(pair, record, deadlineAt)
          } catch (error) {
            if (!(error instanceof BrokerError) || error.retryable) throw error
            // The stored key is of no use, but a new one may be: an alias may point elsewhere by now.
            avoided = record.dataKeyId
          }
        }
        const token = await store.lock(pair, LOCK_MS)
        const issued = token === undefined ? undefined : await issue(pair, token, { avoided, deadlineAt })
        if (issued !== undefined) return issued
        if (clock.now() >= givesUpAt) {
          throw new DataKeyUnavailableError(
            `Cannot obtain a data key: another gateway has been obtaining it for ${WAIT_MS} ms`,
          )
        }
        await pause(POLL_MS)
      }
    },
  }

  async function readUsable(pair: DataKeyPair, avoided: Buffer | undefined): Promise<UsableRecord | undefined> {
    const readAt = clock.now()
    const stored = await store.read(pair)
    if (stored === undefined || avoided?.equals(stored.record.dataKeyId)) return undefined
    const { record, lifeMs } = stored
    // A clock far ahead of ours, or a life beyond what was ever promised: not a key to rely on.
    if (record.issuedAt > clock.now() + CLOCK_TOLERANCE_MS) return undefined
    if (record.notAfter > record.issuedAt + MAX_REUSE_MS) return undefined
    // The store's clock as well, since ours may be behind that of the gateway that issued the key.
    const expiresAt = Math.min(expiryOf(record), readAt + lifeMs)
    return expiresAt - clock.now() >= minSharedLifeMs ? { ...record, expiresAt } : undefined
  }

  async function share(pair: DataKeyPair, record: UsableRecord, deadlineAt: number): Promise<ExpiringDataKey> {
    const { encryptedDataKey, keyArn, dataKeyId, issuedAt, expiresAt } = record
    const { topicArn, principal, grounds } = pair
    const plaintext = await beforeDeadline(
      kms.decrypt({ encryptedDataKey, keyArn, topicArn, principal, grounds, purpose: 'share', expiresAt }),
      { deadlineAt, discard: (late) => late.fill(0) },
    )
    const dataKey = deriveAndZero(dataKeyId, plaintext)
    return { issued: { dataKey, encryptedDataKey, keyArn, issuedAt }, expiresAt }
  }

  /** @returns undefined when a key was stored between our look and our lock; the lock is released in any case */
  async function issue(
    pair: DataKeyPair,
    token: string,
    { avoided, deadlineAt }: { avoided: Buffer | undefined; deadlineAt: number },
  ): Promise<ExpiringDataKey | undefined> {
    try {
      if ((await readUsable(pair, avoided)) !== undefined) {
        release(pair, token)
        return undefined
      }
      const { topicArn, principal, configuredKeyId, grounds } = pair
      // Before the answer: from then on nothing but the import stands between the plaintext and its end.
      const dataKeyId = randomBytes(DATA_KEY_ID_BYTES)
      const issuedAt = clock.now()
      const { plaintext, encryptedDataKey, keyArn } = await beforeDeadline(
        kms.generateDataKey({ keyId: configuredKeyId, topicArn, principal, grounds, purpose: 'issue' }),
        { deadlineAt, discard: (late) => late.plaintext.fill(0) },
      )
      const dataKey = deriveAndZero(dataKeyId, plaintext)
      const notAfter = issuedAt + reuseMs
      storeInBackground(pair, token, { dataKeyId: dataKey.id, encryptedDataKey, keyArn, issuedAt, notAfter })
      return { issued: { dataKey, encryptedDataKey, keyArn, issuedAt }, expiresAt: notAfter }
    } catch (error) {
      release(pair, token)
      throw error
    }
  }

  function beforeDeadline<T>(call: Promise<T>, o: { deadlineAt: number; discard: (late: T) => void }): Promise<T> {
    return inTime(call, {
      withinMs: Math.max(0, o.deadlineAt - clock.now()),
      tooLate: () =>
        new DataKeyUnavailableError('Cannot obtain a data key: KMS did not answer in the time that was left'),
      discard: o.discard,
    })
  }

  function storeInBackground(pair: DataKeyPair, token: string, record: DataKeyRecord): void {
    store.write(pair, { record, token, leaseMs: LOCK_MS, lifeMs: reuseMs }).catch(onStoreFailure)
  }

  function release(pair: DataKeyPair, token: string): void {
    // Not waited for: whoever asked for a key should learn the outcome now, and the lock runs out anyway.
    store.unlock(pair, token).catch(onStoreFailure)
  }

  /** By our own reuse period too, and never counted from a moment that has not come yet. */
  function expiryOf({ issuedAt, notAfter }: DataKeyRecord): number {
    return Math.min(notAfter, Math.min(issuedAt, clock.now()) + reuseMs)
  }
}

function deriveAndZero(dataKeyId: Buffer, plaintext: Buffer): DataKey {
  try {
    return deriveDataKey(dataKeyId, plaintext)
  } finally {
    plaintext.fill(0)
  }
}
