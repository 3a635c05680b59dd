/**
 * Keys that topics were given and that are still to be checked: after the answer, one at a time, each within a few seconds.
 *
 * Nobody waits for a check and nothing depends on it, so that what would pile up is dropped: setting keys in a loop costs the
 * KMS no more than one question at a time.
 */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CheckKey, KeyToCheck, KeyVerdict } from './check-key.ts'

export interface KeyChecks extends AsyncDisposable {
  /** Takes note, and returns at once. Of a topic that waits already the key that it was given last is checked. */
  request(key: KeyToCheck): void
}

const MAX_WAITING = 100
const DEADLINE_MS = 5_000

/**
 * @param o.onVerdict told of each that was begun and is still of interest
 * @param o.onDropped told of each that found the queue full
 * @param o.onFailure told what should not have happened
 */
export function createKeyChecks(o: {
  check: CheckKey
  onVerdict: (key: KeyToCheck, verdict: KeyVerdict) => void
  onDropped: (key: KeyToCheck) => void
  onFailure: (error: unknown) => void
}): KeyChecks {
  const waiting = new Map<string, KeyToCheck>()
  const closing = new AbortController()
  let running: Promise<void> | undefined

  const runAll = async (): Promise<void> => {
    // The answer is written first.
    await nextTurn()
    for (let [next] = waiting.values(); next !== undefined; [next] = waiting.values()) {
      waiting.delete(next.topicArn)
      await runOne(next)
    }
    running = undefined
  }
  const runOne = async (key: KeyToCheck): Promise<void> => {
    try {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(DEADLINE_MS)])
      const verdict = await o.check(key, signal)
      if (verdict !== undefined && !closing.signal.aborted) o.onVerdict(key, verdict)
    } catch (error) {
      if (!closing.signal.aborted) o.onFailure(error)
    }
  }
  return {
    request(key) {
      if (closing.signal.aborted) return
      if (waiting.size >= MAX_WAITING && !waiting.has(key.topicArn)) {
        o.onDropped(key)
        return
      }
      waiting.set(key.topicArn, key)
      running ??= runAll()
    },
    async [Symbol.asyncDispose]() {
      waiting.clear()
      closing.abort()
      await running
    },
  }
}
