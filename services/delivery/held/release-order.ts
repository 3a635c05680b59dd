/**
 * Keeps what is released for one subscription in the order in which it was held, where its endpoint has no room.
 *
 * A message that finds none goes on from the backlog, and getting there takes a call of Redis. Whatever is begun meanwhile, or
 * asks in a moment at which the backlog's reader happens not to stand in line, would find room and overtake it: on a busy
 * machine by a hundred places. So whoever comes after one that lines up lines up behind it.
 */

import type { Backlogs } from '../backlog/backlogs.ts'
import type { Order } from '../first-attempt.ts'

export interface ReleaseOrder {
  /** For one message; to be disposed of when it is in its backlogs or nobody will bring it there. */
  begin(): Order & Disposable
}

export function createReleaseOrder(backlogs: Pick<Backlogs, 'has'>): ReleaseOrder {
  /** By subscription: how many messages are on their way to its backlog. */
  const joining = new Map<string, number>()

  return {
    begin() {
      const joined = new Set<string>()
      return {
        mustLineUp: (subscriptionId) => joining.has(subscriptionId) || backlogs.has(subscriptionId),
        linesUp(subscriptionId) {
          if (joined.has(subscriptionId)) return
          joined.add(subscriptionId)
          joining.set(subscriptionId, (joining.get(subscriptionId) ?? 0) + 1)
        },
        [Symbol.dispose]() {
          for (const subscriptionId of joined) {
            const left = (joining.get(subscriptionId) ?? 1) - 1
            if (left > 0) joining.set(subscriptionId, left)
            else joining.delete(subscriptionId)
          }
          joined.clear()
        },
      }
    },
  }
}
