/**
 * The backlogs of one partition while its lease is held: one drain for each subscription that has messages
 * waiting, those that a former owner left included.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '#shared/log'
import { LeaseLostError, type PartitionLease } from '#shared/stream-log'
import type { AttemptDecision } from '../decide-settlement.ts'
import { keepTrying } from '../keep-trying.ts'
import { LEAVE_GRACE_MS, RETRY_HOLD_MS } from '../limits.ts'
import type { DeliveryMetrics } from '../metrics.ts'
import { reportFailure } from '../report-failure.ts'
import { type BacklogLease, type Drain, type DrainDependencies, startDrain } from './drain.ts'

export interface Backlogs {
  /** Whether messages of the subscription wait. */
  has(subscriptionId: string): boolean
  /** Called before a message joins whose first attempt goes on. */
  expect(subscriptionId: string, messageId: string): void
  /** What was expected did not join, or nobody knows whether it did. */
  unexpect(subscriptionId: string, messageId: string): void
  /** @param backlogId empty when it is not known */
  joined(o: {
    subscriptionId: string
    messageId: string
    backlogId: string
    underWay: Promise<AttemptDecision> | undefined
  }): void
  /** After `ended`: resolves when nothing is under way, or when it has waited long enough. */
  left(): Promise<void>
}

export function openBacklogs(
  o: Omit<DrainDependencies, 'lease' | 'onExpired' | 'onFailure'> & {
    lease: BacklogLease & Pick<PartitionLease, 'partition' | 'listBacklogs'>
    onLeaseLost: () => void
    log: Log
    metrics: DeliveryMetrics
  },
): Backlogs {
  const { lease, log, metrics, ended, gone } = o
  const { partition } = lease
  const drains = new Map<string, Drain>()
  const dependencies: DrainDependencies = {
    ...o,
    onExpired(reference, entry) {
      metrics.failed(entry.kind === 'message' ? entry.topicArn : undefined)
      metrics.backlogExpired()
      log.warn('backlog.expired', { partition, ...reference })
    },
    onFailure(error, reference) {
      if (error instanceof LeaseLostError) o.onLeaseLost()
      else reportFailure(o, 'backlog.failed', { partition, ...reference }, error)
    },
  }
  void resume()

  return {
    has: (subscriptionId) => drains.get(subscriptionId)?.isOver === false,
    expect: (subscriptionId, messageId) => drainOf(subscriptionId).expect(messageId),
    unexpect: (subscriptionId, messageId) => drains.get(subscriptionId)?.unexpect(messageId),
    joined({ subscriptionId, messageId, backlogId, underWay }) {
      metrics.backlogged(underWay === undefined ? 'room' : 'slow')
      const drain = drainOf(subscriptionId)
      if (underWay !== undefined) drain.attempting({ messageId, backlogId }, underWay)
      drain.joined()
    },
    async left() {
      const deadline = o.clock.now() + LEAVE_GRACE_MS
      while ([...drains.values()].some(({ underWay }) => underWay > 0)) {
        if (gone.aborted || o.clock.now() >= deadline) return
        await delay(10)
      }
    },
  }

  function drainOf(subscriptionId: string): Drain {
    const known = drains.get(subscriptionId)
    if (known !== undefined && !known.isOver) return known
    const drain = startDrain(subscriptionId, dependencies)
    drains.set(subscriptionId, drain)
    metrics.backlogs(1)
    void drain.over.then(() => {
      metrics.backlogs(-1)
      // Those that ended with attempts under way are asked for them until the partition is left.
      if (!ended.aborted && drains.get(subscriptionId) === drain) drains.delete(subscriptionId)
    })
    return drain
  }

  /** What a former owner left. */
  async function resume(): Promise<void> {
    while (!ended.aborted) {
      try {
        const subscriptionIds = await keepTrying(() => lease.listBacklogs(), ended)
        if (!ended.aborted) for (const subscriptionId of subscriptionIds) drainOf(subscriptionId)
        return
      } catch (error) {
        if (ended.aborted) return
        reportFailure(o, 'backlog.failed', { partition }, error)
        await delay(RETRY_HOLD_MS, undefined, { signal: ended }).catch(() => undefined)
      }
    }
  }
}
