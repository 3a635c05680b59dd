/** For tests: waits for what sends no event, such as a file, a page of metrics or a key of Redis. */

import { setTimeout as sleep } from 'node:timers/promises'

/** Longer than anything takes on a busy machine; then the test fails for it. */
const DEADLINE_MS = 60_000
const POLL_MS = 10

/**
 * @param look asked again and again until it gives something else than undefined, null and false
 * @returns what it gave
 * @throws when it takes longer than `withinMs`
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  withinMs = DEADLINE_MS,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== null && found !== false) return found
    if (performance.now() > deadline) throw new Error(`not so within ${withinMs} ms: ${what}`)
    await sleep(POLL_MS)
  }
}
