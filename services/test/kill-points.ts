/** Where a worker dies between claim and settlement, drawn from a seed. */

import type { KillPoint } from './redis-proxy.ts'

/** With how often each is sent at least while the messages of a round are delivered. A new script needs a line here. */
const SCRIPTS: readonly (readonly [script: string, often: number])[] = [
  ['claim', 3],
  ['reread', 8],
  ['hand-off', 6],
  ['settle', 3],
  ['leave-backlog', 4],
  ['note-attempts', 2],
  ['settle-subscription', 2],
  ['bullmq', 8],
]

/** The same for the same seed. Any sixteen seeds in a row meet every script, before and after. */
export function killPointOf(seed: number): KillPoint {
  const [script, often] = SCRIPTS[Math.floor(seed / 2) % SCRIPTS.length] ?? ['claim', 1]
  return { script, when: seed % 2 === 0 ? 'before' : 'after', nth: 1 + (scramble(seed) % often) }
}

/** A Weyl sequence through MurmurHash3's finalizer. */
function scramble(seed: number): number {
  let bits = Math.imul(seed + 1, 0x9e3779b1)
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
