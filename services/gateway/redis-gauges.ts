/**
 * How Redis is and what the partitions hold, as gauges: nobody else could show a partition that no worker has.
 *
 * Every gateway shows the same, so they are to be aggregated by max. What cannot be known at present is not shown:
 * a length that was true before an outage would look like one that is. What is still true then stays.
 */

import type { Metrics } from '#shared/metrics'
import type { RedisServerState } from '#shared/redis'
import type { PartitionState } from '#shared/stream-log'

export interface RedisGauges {
  /** Once, when it is known. */
  partitionCount(count: number): void
  /** @param state undefined where Redis answers, but not this question */
  server(state: RedisServerState | undefined): void
  /** @param states of all partitions whose keys are as we left them */
  partitions(states: readonly PartitionState[]): void
  /** Redis does not answer. */
  unavailable(): void
}

/** One server so far: a cluster's nodes would be told apart by host and port. */
const NODE = { node: 'redis' } as const

export function createRedisGauges(metrics: Metrics): RedisGauges {
  const ofNode = (name: string, help: string) => metrics.gauge(name, help, ['node'])
  const up = ofNode('sealcast_redis_up', '1 while Redis answers this gateway, else 0.')
  up.set(NODE, 0)
  const ofServer: readonly (readonly [ReturnType<typeof ofNode>, (state: RedisServerState) => number])[] = [
    [ofNode('sealcast_redis_memory_used_bytes', 'Memory Redis has allocated.'), (state) => state.memoryUsedBytes],
    [
      ofNode('sealcast_redis_memory_max_bytes', 'Memory Redis may allocate (maxmemory); 0: no limit.'),
      (state) => state.memoryMaxBytes,
    ],
    [
      ofNode('sealcast_redis_aof_enabled', '1 where Redis keeps an append-only file.'),
      (state) => Number(state.aofEnabled),
    ],
    [
      ofNode(
        'sealcast_redis_persistence_ok',
        '1 while the last write to the append-only file and, where Redis makes any, the last snapshot succeeded.',
      ),
      (state) => Number(state.persistenceOk),
    ],
    [ofNode('sealcast_redis_clients', 'Connections of clients that Redis has.'), (state) => state.clients],
    [ofNode('sealcast_redis_replicas', 'Replicas in step with Redis.'), (state) => state.replicas],
  ]
  const commands = metrics.counter(
    'sealcast_redis_commands_processed_total',
    'Commands Redis has carried out since it was started, by its own count.',
    ['node'],
  )
  const count = metrics.gauge('sealcast_partitions', 'Partitions in force.')
  const quarantined = metrics.gauge(
    'sealcast_quarantined_entries',
    'Entries in the quarantines of all partitions, as last seen. Anything above zero is an alarm.',
  )
  const ofPartition = (name: string, help: string) => metrics.gauge(name, help, ['partition'])
  const ofPartitions: readonly (readonly [ReturnType<typeof ofPartition>, (state: PartitionState) => number])[] = [
    [
      ofPartition('sealcast_partition_entries', 'Entries in the stream of a partition, those under way included.'),
      (state) => state.entries,
    ],
    [
      ofPartition('sealcast_partition_pending', 'Entries of a partition that a worker has claimed and not settled.'),
      (state) => state.pending,
    ],
    [
      ofPartition(
        'sealcast_partition_oldest_entry_seconds',
        "Age of the oldest entry of a partition, by Redis's clock; 0 when it has none.",
      ),
      (state) => state.oldestEntryMs / 1000,
    ],
    [ofPartition('sealcast_partition_leased', '1 while some worker holds the lease of a partition, else 0.'), leased],
  ]
  let shown = new Set<number>()

  const hideServer = () => {
    for (const [gauge] of ofServer) gauge.remove(NODE)
  }
  const show = (states: readonly PartitionState[]) => {
    const seen = new Set(states.map(({ partition }) => partition))
    for (const state of states) {
      const labels = { partition: String(state.partition) }
      for (const [gauge, read] of ofPartitions) gauge.set(labels, read(state))
    }
    for (const partition of shown) {
      if (seen.has(partition)) continue
      for (const [gauge] of ofPartitions) gauge.remove({ partition: String(partition) })
    }
    shown = seen
  }
  return {
    partitionCount: (partitions) => count.set({}, partitions),
    server(state) {
      up.set(NODE, 1)
      if (state === undefined) return hideServer()
      for (const [gauge, read] of ofServer) gauge.set(NODE, read(state))
      commands.mirror(NODE, state.commandsProcessed)
    },
    partitions(states) {
      show(states)
      quarantined.set(
        {},
        states.reduce((sum, state) => sum + state.quarantined, 0),
      )
    },
    unavailable() {
      up.set(NODE, 0)
      hideServer()
      show([])
    },
  }
}

function leased(state: PartitionState): number {
  return Number(state.leased)
}
