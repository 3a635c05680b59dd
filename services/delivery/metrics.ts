/** What the delivery worker counts. Names that dashboards rely on stay stable over releases. */

import { type BrokerMetrics, createBrokerMetrics } from '#shared/broker-metrics'
import type { Clock } from '#shared/clock'
import type { Metrics } from '#shared/metrics'
import { RETRY_PHASES, type RetryPhase } from '#shared/sns-wire'
import { type AttemptDecision, NEVER_RIGHT } from './decide-settlement.ts'
import { createSlowestHosts } from './endpoints/slowest-hosts.ts'
import { createHeldGauges } from './held/held-gauges.ts'
import { createTopicMetrics } from './topic-metrics.ts'

export interface DeliveryMetrics extends BrokerMetrics {
  /** @param o.host of the endpoint; undefined when it has none that can be requested */
  attempted(o: { protocol: string; host: string | undefined; decision: AttemptDecision['kind']; seconds: number }): void
  /** @param seconds from acceptance to the endpoint's 2xx */
  delivered(topicArn: string, seconds: number): void
  /** @param topicArn of a notification; undefined of a confirmation */
  failed(topicArn: string | undefined): void
  /** An attempt failed, and another follows. */
  retryScheduled(phase: RetryPhase): void
  /** @param reason a kind of address */
  endpointRefused(reason: string): void
  entriesClaimed(count: number): void
  /** @param reason a code */
  entryQuarantined(reason: string): void
  /** @param reason a code */
  entryHeld(reason: string): void
  /** @param o.count of messages that wait for the key in a partition that is owned; 0 when none does, or another has it */
  heldMessages(keyArn: string, o: { partition: number; count: number }): void
  /** Brings the ages of held messages up to date. */
  refreshHeld(): void
  /** @param reason `topic` or `subscription`: what is gone */
  dropped(reason: 'topic' | 'subscription'): void
  partitionTaken(partition: number): void
  /** Given back, or lost. */
  partitionLeft(partition: number): void
  leaseLost(): void
  workersAlive(count: number): void
  partitionTakenOver(reason: 'expired' | 'unclaimed'): void
  /** @param reason `room`: its endpoint had none, or others wait already; `slow`: its first attempt takes long */
  backlogged(reason: 'room' | 'slow'): void
  /** A message was given up because it waited too long. */
  backlogExpired(): void
  /** @param more how many subscriptions more, or fewer, have messages waiting */
  backlogs(more: number): void
  endpointsUnhealthy(count: number): void
  /** Of owned partitions. @param o.messages in backlogs */
  waiting(o: { retries: number; messages: number }): void
}

const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100] as const

export function createDeliveryMetrics(metrics: Metrics, clock: Clock): DeliveryMetrics {
  const deliveries = metrics.counter(
    'sealcast_deliveries_total',
    'Delivery attempts by protocol and outcome: delivered, retry (another attempt follows), failed (none does).',
    ['protocol', 'outcome'],
  )
  for (const protocol of ['http', 'https']) {
    for (const outcome of ['delivered', 'retry', 'failed']) deliveries.add({ protocol, outcome }, 0)
  }
  const attemptSeconds = metrics.histogram(
    'sealcast_delivery_attempt_seconds',
    'Duration of delivery attempts, by protocol.',
    LATENCY_BUCKETS,
    ['protocol'],
  )
  const endToEnd = metrics.histogram(
    'sealcast_end_to_end_seconds',
    "From a message's acceptance to the endpoint's success answer (SNS: DwellTime).",
    LATENCY_BUCKETS,
  )
  const failed = metrics.counter(
    'sealcast_notifications_failed_total',
    'Messages given up for one subscription (SNS: NumberOfNotificationsFailed).',
  )
  const retries = metrics.counter(
    'sealcast_retries_scheduled_total',
    'Retries that followed a failed attempt, by phase of the delivery policy: immediate, pre_backoff, backoff, post_backoff.',
    ['phase'],
  )
  for (const phase of RETRY_PHASES) retries.add({ phase }, 0)
  const refused = metrics.counter(
    'sealcast_endpoints_refused_total',
    'Connections to endpoints that were not opened because the address is not allowed, by the kind of address.',
    ['reason'],
  )
  const claimed = metrics.counter('sealcast_entries_claimed_total', 'Stream entries taken for delivery.')
  const quarantined = metrics.counter(
    'sealcast_entries_quarantined_total',
    'Stream entries set aside because their integrity failed, by reason. Anything above zero is an alarm.',
    ['reason'],
  )
  for (const reason of NEVER_RIGHT) quarantined.add({ reason }, 0)
  const held = metrics.counter(
    'sealcast_entries_held_total',
    'Messages that wait for a KMS key (reasons KMS_…) or another thing, without consuming an attempt, by reason.',
    ['reason'],
  )
  const dropped = metrics.counter(
    'sealcast_deliveries_dropped_total',
    'Deliveries that were due to a topic or subscription that no longer exists.',
    ['reason'],
  )
  for (const reason of ['topic', 'subscription']) dropped.add({ reason }, 0)
  const ownedCount = metrics.gauge('sealcast_partitions_owned', 'Partitions whose lease this worker holds.')
  const owned = metrics.gauge(
    'sealcast_partition_owned',
    '1 for each partition whose lease this worker holds; there for no other one.',
    ['partition'],
  )
  const lost = metrics.counter('sealcast_leases_lost_total', 'Leases that ended before the worker released them.')
  const alive = metrics.gauge('sealcast_workers_alive', 'Delivery workers alive, this one included, as it sees them.')
  const takenOver = metrics.counter(
    'sealcast_partitions_taken_over_total',
    'Partitions taken that nobody had given back: their lease ran out (expired), or the worker they were due to let them lie (unclaimed).',
    ['reason'],
  )
  for (const reason of ['expired', 'unclaimed']) takenOver.add({ reason }, 0)
  const backlogged = metrics.counter(
    'sealcast_deliveries_backlogged_total',
    'Deliveries lined up in the backlog of their subscription; no attempt is consumed by waiting.',
    ['reason'],
  )
  for (const reason of ['room', 'slow']) backlogged.add({ reason }, 0)
  const backlogExpired = metrics.counter(
    'sealcast_backlog_expired_total',
    'Messages given up for one subscription because they waited longer than SEALCAST_BACKLOG_SECONDS, retries an hour longer.',
  )
  const backlogs = metrics.gauge('sealcast_backlogs', 'Subscriptions with messages waiting, in owned partitions.')
  const waitingRetries = metrics.gauge(
    'sealcast_retries_waiting',
    'Retries whose time has not come, or has and which have not begun, in owned partitions, as last seen.',
  )
  const waitingMessages = metrics.gauge(
    'sealcast_backlog_messages',
    'Messages waiting in the backlogs of owned partitions, each once for each subscription, as last seen.',
  )
  const unhealthy = metrics.gauge(
    'sealcast_endpoints_unhealthy',
    'Endpoints that failed many times in a row and are asked one message at a time.',
  )
  const heldGauges = createHeldGauges(metrics, clock)
  const ownedPartitions = new Set<number>()
  const topics = createTopicMetrics(metrics)
  const slowest = createSlowestHosts(metrics, clock)
  let backlogCount = 0
  return {
    ...createBrokerMetrics(metrics),
    attempted({ protocol, host, decision, seconds: measured }) {
      const seconds = Math.max(0, measured)
      if (host !== undefined) slowest.note(host, seconds)
      deliveries.add({ protocol, outcome: decision })
      attemptSeconds.observe({ protocol }, seconds)
    },
    delivered(topicArn, sinceAcceptance) {
      // Clocks differ and are set back; a sum that fell would look like a counter that began anew.
      const seconds = Math.max(0, sinceAcceptance)
      endToEnd.observe({}, seconds)
      topics.delivered(topicArn, seconds)
    },
    failed(topicArn) {
      failed.add({})
      if (topicArn !== undefined) topics.failed(topicArn)
    },
    retryScheduled: (phase) => retries.add({ phase }),
    endpointRefused: (reason) => refused.add({ reason }),
    entriesClaimed: (count) => claimed.add({}, count),
    entryQuarantined: (reason) => quarantined.add({ reason }),
    entryHeld: (reason) => held.add({ reason }),
    heldMessages: heldGauges.heldMessages,
    refreshHeld: heldGauges.refresh,
    dropped: (reason) => dropped.add({ reason }),
    partitionTaken(partition) {
      ownedPartitions.add(partition)
      owned.set({ partition: String(partition) }, 1)
      ownedCount.set({}, ownedPartitions.size)
    },
    partitionLeft(partition) {
      ownedPartitions.delete(partition)
      owned.remove({ partition: String(partition) })
      ownedCount.set({}, ownedPartitions.size)
    },
    leaseLost: () => lost.add({}),
    workersAlive: (count) => alive.set({}, count),
    partitionTakenOver: (reason) => takenOver.add({ reason }),
    backlogged: (reason) => backlogged.add({ reason }),
    backlogExpired: () => backlogExpired.add({}),
    backlogs(more) {
      backlogCount += more
      backlogs.set({}, backlogCount)
    },
    endpointsUnhealthy: (count) => unhealthy.set({}, count),
    waiting({ retries, messages }) {
      waitingRetries.set({}, retries)
      waitingMessages.set({}, messages)
    },
  }
}
