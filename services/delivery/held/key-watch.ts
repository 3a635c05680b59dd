/**
 * The KMS keys that do not work, as this process knows them, and one probe after another until they do.
 *
 * works ──refused──▶ refused ──probe, or any other answer that is none──▶ works: what waits is released
 *
 * A key that was refused is not asked for again by the messages that need it: they wait in the held streams of their
 * partitions, and one of them is used to probe: a Decrypt of its own data key, so that success serves the release too.
 * The first probe comes soon, for what is over in a moment; then one each `intervalMs` a key and process, however many
 * partitions wait. A refusal of one data key alone is remembered apart; each probe takes another data key than the last.
 *
 * What nobody waits for is forgotten: the next message asks again.
 */

import type { Clock } from '#shared/clock'
import type { OpeningKeys, SealedDataKey } from '#shared/data-keys'
import type { BrokerError } from '#shared/errors'
import { hashParts } from '#shared/framing'
import type { Log } from '#shared/log'
import { decideError } from '../decide-settlement.ts'
import { FIRST_PROBE_SHARE, MAX_KEYS_REFUSED, MAX_PROBES, MAX_REFUSALS_REMEMBERED } from '../limits.ts'
import { isKeyRefusal, isOfDataKeyAlone } from './key-refusal.ts'

/** One partition's messages that wait for a key. */
export interface WaitingMessages {
  /** @returns the data key of one of them; undefined when none can be had now */
  sample(): Promise<Sample | undefined>
  /** The key works, as far as is known: everything is to be tried. */
  release(): void
}

export interface Sample {
  readonly dataKey: SealedDataKey
  /** It is refused: the next sample is to be of another data key, if there is one. */
  passOver(): void
  /** It is not genuine. */
  quarantine(reason: string): Promise<void>
}

export interface KeyWatch {
  /** Why a data key cannot be had now, as far as is known. */
  refusalOf(dataKey: RefusedDataKey): BrokerError | undefined
  isRefused(keyArn: string): boolean
  refused(dataKey: RefusedDataKey, error: BrokerError): void
  /** KMS opened a data key under it. */
  worked(keyArn: string): void
  /** @returns to be called when they wait no more; `released` when they are gone rather than somebody else's */
  watch(keyArn: string, waiting: WaitingMessages): (end: { released: boolean }) => void
  /** Makes the probes that are due. Resolves when they are answered. */
  probeDue(): Promise<void>
}

export type RefusedDataKey = Pick<SealedDataKey, 'encryptedDataKey' | 'keyArn' | 'topicArn' | 'principal'>

interface State {
  /** Of the key as a whole. */
  refusal: BrokerError | undefined
  /** By data key. */
  readonly refusals: Map<string, BrokerError>
  /** Until then the refusals stand if nobody waits. */
  standsUntil: number
  nextProbeAt: number
  probedAt: number
  isProbing: boolean
  heldSince: number
  /** In the order in which they are sampled. */
  readonly waiting: Set<WaitingMessages>
}

/** @param intervalMs from one probe of a key to the next; the first follows a refusal by a sixth of it */
export function createKeyWatch({
  openingKeys,
  clock,
  intervalMs,
  log,
}: {
  openingKeys: Pick<OpeningKeys, 'obtain'>
  clock: Clock
  intervalMs: number
  log: Log
}): KeyWatch {
  const states = new Map<string, State>()
  const firstMs = intervalMs / FIRST_PROBE_SHARE
  let probes = 0

  return {
    refusalOf(dataKey) {
      // Nearly always: no message pays for a look then.
      if (states.size === 0) return undefined
      const state = states.get(dataKey.keyArn)
      if (state === undefined || hasLapsed(state)) return undefined
      return state.refusal ?? (state.refusals.size === 0 ? undefined : state.refusals.get(nameOf(dataKey)))
    },
    isRefused: (keyArn) => states.get(keyArn)?.refusal !== undefined,
    refused,
    worked: (keyArn) => worked(keyArn, { isProbe: false }),
    watch(keyArn, waiting) {
      const state = stateOf(keyArn)
      if (state.waiting.size === 0) {
        state.heldSince = clock.now()
        log.warn('key.held', { keyArn, reason: state.refusal?.code ?? [...state.refusals.values()].at(-1)?.code })
      }
      state.waiting.add(waiting)
      return ({ released }) => {
        state.waiting.delete(waiting)
        if (state.waiting.size > 0) return
        state.standsUntil = clock.now() + firstMs
        if (released) log.info('key.released', { keyArn, heldMs: clock.now() - state.heldSince })
      }
    },
    async probeDue() {
      const due: Promise<void>[] = []
      for (const [keyArn, state] of states) {
        if (state.waiting.size === 0) {
          if (hasLapsed(state) && hasElapsed(state.probedAt, intervalMs)) states.delete(keyArn)
        } else if (probes < MAX_PROBES && !state.isProbing && isDue(state)) {
          due.push(probe(keyArn, state))
        }
      }
      await Promise.all(due)
    },
  }

  function stateOf(keyArn: string): State {
    const known = states.get(keyArn)
    if (known !== undefined) return known
    if (states.size >= MAX_KEYS_REFUSED) dropOneNobodyWaitsFor()
    const now = clock.now()
    const state: State = {
      refusal: undefined,
      refusals: new Map(),
      standsUntil: now + firstMs,
      nextProbeAt: now + firstMs,
      probedAt: Number.NEGATIVE_INFINITY,
      isProbing: false,
      heldSince: now,
      waiting: new Set(),
    }
    states.set(keyArn, state)
    return state
  }

  /** Keys that somebody made up are refused too: they must not fill the process. */
  function dropOneNobodyWaitsFor(): void {
    for (const [keyArn, { waiting }] of states) {
      if (waiting.size > 0) continue
      states.delete(keyArn)
      return
    }
  }

  function refused(dataKey: RefusedDataKey, error: BrokerError): void {
    const state = stateOf(dataKey.keyArn)
    const now = clock.now()
    const isNews = state.refusal === undefined && state.refusals.size === 0
    if (isOfDataKeyAlone(error)) rememberDataKey(state, nameOf(dataKey), error)
    else state.refusal = error
    state.standsUntil = now + firstMs
    // Soon, and yet never two within an interval.
    if (isNews) state.nextProbeAt = Math.max(now + firstMs, state.probedAt + intervalMs)
  }

  function rememberDataKey({ refusals }: State, name: string, error: BrokerError): void {
    refusals.delete(name)
    refusals.set(name, error)
    if (refusals.size <= MAX_REFUSALS_REMEMBERED) return
    const [oldest] = refusals.keys()
    if (oldest !== undefined) refusals.delete(oldest)
  }

  function worked(keyArn: string, { isProbe }: { isProbe: boolean }): void {
    if (states.size === 0) return
    const state = states.get(keyArn)
    if (state === undefined) return
    const isNews = isProbe || state.refusal !== undefined
    state.refusal = undefined
    state.refusals.clear()
    // Not for each new data key of a KMS key that works: somebody denied may have left a million messages.
    if (isNews) for (const waiting of state.waiting) waiting.release()
  }

  async function probe(keyArn: string, state: State): Promise<void> {
    state.isProbing = true
    probes++
    try {
      const sample = await sampleOf(state)
      if (sample === undefined) state.nextProbeAt = clock.now() + firstMs
      else await probeWith(keyArn, state, sample)
    } catch (error) {
      // Of Redis: nobody was asked.
      state.nextProbeAt = clock.now() + firstMs
      log.warn('key.probe-failed', { keyArn }, error)
    } finally {
      probes--
      state.isProbing = false
    }
  }

  /** Of the partition whose turn it is. */
  async function sampleOf({ waiting }: State): Promise<Sample | undefined> {
    for (const one of [...waiting]) {
      if (!waiting.delete(one)) continue
      waiting.add(one)
      const sample = await one.sample()
      if (sample !== undefined) return sample
    }
    return undefined
  }

  async function probeWith(keyArn: string, state: State, sample: Sample): Promise<void> {
    state.probedAt = clock.now()
    state.nextProbeAt = state.probedAt + intervalMs
    try {
      await openingKeys.obtain(sample.dataKey, { purpose: 'probe' })
    } catch (error) {
      if (isKeyRefusal(error)) {
        refused(sample.dataKey, error)
        sample.passOver()
      } else {
        const { kind, reason } = decideError(error)
        if (kind === 'quarantine') await sample.quarantine(reason)
        else log.error('key.probe-failed', { keyArn }, error)
      }
      return
    }
    worked(keyArn, { isProbe: true })
  }

  function isDue({ nextProbeAt }: State): boolean {
    const now = clock.now()
    // A clock that was set back makes nobody wait.
    return now >= nextProbeAt || nextProbeAt - now > intervalMs
  }

  function hasLapsed({ waiting, standsUntil }: State): boolean {
    return waiting.size === 0 && (clock.now() >= standsUntil || standsUntil - clock.now() > firstMs)
  }

  function hasElapsed(since: number, ms: number): boolean {
    return clock.now() - since >= ms || clock.now() < since
  }
}

function nameOf({ encryptedDataKey, topicArn, principal }: RefusedDataKey): string {
  return hashParts([encryptedDataKey, topicArn, principal]).toString('base64')
}

/** Has the watch probe what is due, many times in each interval, until disposed of. */
export function keepProbing(
  watch: Pick<KeyWatch, 'probeDue'>,
  { intervalMs, onTurn }: { intervalMs: number; onTurn: () => void },
): Disposable {
  const timer = setInterval(
    () => {
      onTurn()
      void watch.probeDue()
    },
    Math.max(10, intervalMs / 60),
  )
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
