/**
 * What waits for KMS keys in one partition, while its lease is held: one lane for each key, those that a former owner
 * left included.
 *
 * Entries join their lane in stream order, in batches; the key watch is told of each lane, samples it to probe, and has
 * it released. A lane ends with its last message.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { LeaseLostError } from '#shared/stream-log'
import { keepTrying } from '../keep-trying.ts'
import { MAX_HELD_KEYS_PER_PARTITION, RETRY_HOLD_MS } from '../limits.ts'
import { reportFailure } from '../report-failure.ts'
import { createSettler, type Settler } from '../settler.ts'
import type { HeldReferences } from './held-references.ts'
import type { KeyWatch } from './key-watch.ts'
import { type ReleaseDependencies, releaseHeld } from './release-held.ts'
import { createSampler } from './sample-held.ts'

export interface HeldKeys {
  /**
   * Moves an entry to the lane of its key.
   *
   * @returns false when so many keys are held that it has to stay pending
   */
  hold(keyArn: string, streamId: string, reason: string): Promise<boolean>
  /** After `ended`: resolves when nothing is being released any more. */
  left(): Promise<void>
}

interface Lane {
  /** How many messages it holds, as Redis told last. */
  count: number
  readonly entries: Settler
  joining: number
  /** How many have joined so far. */
  joined: number
  releasing: Promise<void> | undefined
  isDueAgain: boolean
  end(o: { released: boolean }): void
}

export function openHeldKeys(
  o: Omit<ReleaseDependencies, 'isRefused' | 'onLeft'> & { keyWatch: KeyWatch; heldReferences: HeldReferences },
): HeldKeys {
  const { lease, keyWatch, log, metrics, ended, gone } = o
  const { partition } = lease
  const lanes = new Map<string, Lane>()
  /** Whether a former owner left more than there was room for. */
  let isUnadopted = false

  o.heldReferences.attach({
    async join(keyArn, move, reason) {
      if (!mayHold(keyArn)) return false
      const { held } = await whileJoining(lanes.get(keyArn), move)
      metrics.entryHeld(reason)
      if (held > 0) counted(keyArn, laneOf(keyArn), held)
      return true
    },
  })
  const onGone = () => {
    for (const [keyArn, lane] of lanes) end(keyArn, lane, { released: false })
  }
  gone.addEventListener('abort', onGone, { once: true })
  void adopt()

  return {
    async hold(keyArn, streamId, reason) {
      if (!mayHold(keyArn)) return false
      const lane = laneOf(keyArn)
      await whileJoining(lane, () => lane.entries.settle(streamId))
      metrics.entryHeld(reason)
      return true
    },
    async left() {
      await Promise.race([Promise.all([...lanes.values()].map(({ releasing }) => releasing)), whenAborted(gone)])
      onGone()
    },
  }

  /** What was counted before a message joined, and is told after it, must not end the lane. */
  async function whileJoining<T>(lane: Lane | undefined, move: () => Promise<T>): Promise<T> {
    if (lane === undefined) return move()
    lane.joining++
    try {
      return await move()
    } finally {
      lane.joining--
      lane.joined++
    }
  }

  function mayHold(keyArn: string): boolean {
    return lanes.has(keyArn) || lanes.size < MAX_HELD_KEYS_PER_PARTITION
  }

  /** What a former owner left. */
  async function adopt(): Promise<void> {
    isUnadopted = false
    while (!ended.aborted) {
      try {
        for (const keyArn of await keepTrying(() => lease.listHeldKeys(), ended)) {
          if (lanes.has(keyArn)) continue
          if (!mayHold(keyArn)) {
            isUnadopted = true
            return
          }
          const held = await keepTrying(() => lease.leaveHeld(keyArn, []), ended)
          if (held > 0 && !ended.aborted) counted(keyArn, laneOf(keyArn), held)
        }
        return
      } catch (error) {
        if (!failed(error)) return
        await delay(RETRY_HOLD_MS, undefined, { signal: ended }).catch(() => undefined)
      }
    }
  }

  /** @returns whether to go on */
  function failed(error: unknown): boolean {
    if (error instanceof LeaseLostError) o.onLeaseLost()
    else if (!ended.aborted) reportFailure(o, 'held.failed', { partition }, error)
    return !ended.aborted
  }

  function laneOf(keyArn: string): Lane {
    const known = lanes.get(keyArn)
    if (known !== undefined) return known
    const sampler = createSampler(keyArn, { ...o, onNothing: () => release(keyArn, lane) })
    const lane: Lane = {
      count: 0,
      entries: createSettler({
        gone,
        lease: {
          async settle(streamIds) {
            // Those that failed later may have been accepted earlier.
            const { held, foreign } = await lease.hold(keyArn, streamIds.toSorted(compareStreamIds))
            if (foreign) {
              metrics.recordForged('held')
              log.alarm('record.forged', { kind: 'held', partition, keyArn })
            }
            counted(keyArn, lane, held)
          },
        },
      }),
      joining: 0,
      joined: 0,
      releasing: undefined,
      isDueAgain: false,
      end: keyWatch.watch(keyArn, { sample: sampler, release: () => release(keyArn, lane) }),
    }
    lanes.set(keyArn, lane)
    return lane
  }

  function counted(keyArn: string, lane: Lane, held: number): void {
    if (lanes.get(keyArn) !== lane) return
    metrics.heldMessages(keyArn, { partition, count: held })
    lane.count = held
  }

  /** One at a time; told while it runs, once more after it. */
  function release(keyArn: string, lane: Lane): void {
    if (ended.aborted || lanes.get(keyArn) !== lane) return
    if (lane.releasing !== undefined) {
      lane.isDueAgain = true
      return
    }
    lane.isDueAgain = false
    lane.releasing = releaseAll(keyArn, lane).finally(() => {
      lane.releasing = undefined
      if (lane.isDueAgain) release(keyArn, lane)
    })
  }

  async function releaseAll(keyArn: string, lane: Lane): Promise<void> {
    try {
      const { isComplete } = await releaseHeld(keyArn, {
        ...o,
        isRefused: () => keyWatch.isRefused(keyArn),
        onLeft: (left) => counted(keyArn, lane, left),
      })
      if (ended.aborted) return
      const { joined } = lane
      counted(keyArn, lane, await keepTrying(() => lease.leaveHeld(keyArn, []), gone))
      if (lane.count === 0 && lane.joining === 0 && lane.joined === joined) end(keyArn, lane, { released: true })
      else if (!isComplete) void again(keyArn, lane)
    } catch (error) {
      if (failed(error)) void again(keyArn, lane)
    }
  }

  /** For faults of ours; what waits for the key waits for the next probe. */
  async function again(keyArn: string, lane: Lane): Promise<void> {
    await delay(RETRY_HOLD_MS, undefined, { signal: ended }).catch(() => undefined)
    release(keyArn, lane)
  }

  function end(keyArn: string, lane: Lane, how: { released: boolean }): void {
    if (lanes.get(keyArn) !== lane) return
    lanes.delete(keyArn)
    metrics.heldMessages(keyArn, { partition, count: 0 })
    lane.end(how)
    if (isUnadopted && how.released) void adopt()
  }
}

/** `<ms>-<sequence>`, either of which may be longer than a number holds exactly. */
function compareStreamIds(one: string, other: string): number {
  const [oneMs = '0', oneSequence = '0'] = one.split('-')
  const [otherMs = '0', otherSequence = '0'] = other.split('-')
  const byMs = BigInt(oneMs) - BigInt(otherMs)
  const difference = byMs === 0n ? BigInt(oneSequence) - BigInt(otherSequence) : byMs
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
