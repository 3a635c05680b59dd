import { BoolYesNo, Seconds, Short } from '@grafana/grafana-foundation-sdk/units'
import type { Section } from '../../board.ts'
import { figure } from '../../panels/figure.ts'
import { lines } from '../../panels/lines.ts'
import { list } from '../../panels/list.ts'

export function partitions(): Section {
  return {
    title: 'Partitions and leases',
    panels: [
      list({
        title: 'Partitions',
        means:
          'Each partition with the worker that says it owns it, whether its lease is held, entries in its stream, entries claimed and not settled, and the age of the oldest.',
        act: 'Leased is No for long: no worker serves it. Old and pending: its worker waits for endpoints. Two owners: a lease moved in this moment.',
        unit: Short,
        span: 15,
        height: 10,
        sortBy: 'Oldest',
        labels: { partition: 'Partition', instance: 'Owner' },
        columns: [
          { expr: 'max by (partition, instance) (sealcast_partition_owned)', name: 'Owned', hidden: true },
          { expr: 'max by (partition) (sealcast_partition_leased)', name: 'Leased', unit: BoolYesNo },
          { expr: 'max by (partition) (sealcast_partition_entries)', name: 'Entries' },
          { expr: 'max by (partition) (sealcast_partition_pending)', name: 'Pending' },
          { expr: 'max by (partition) (sealcast_partition_oldest_entry_seconds)', name: 'Oldest', unit: Seconds },
        ],
      }),
      lines({
        title: 'Owned, by worker',
        means: 'Partitions that each worker holds. Workers share them evenly.',
        act: 'One has all and another none for long: the other cannot take leases.',
        unit: Short,
        span: 9,
        height: 10,
        queries: [{ expr: 'sum by (instance) (sealcast_partitions_owned)', legend: '{{instance}}' }],
      }),
      figure({
        title: 'Without owner',
        means: 'Partitions whose lease no worker holds, as the gateways see it.',
        act: 'Moments of it are normal when workers change. If it stays: start workers, or see why they cannot reach Redis.',
        unit: Short,
        span: 4,
        height: 8,
        limits: { alarm: 1 },
        queries: [{ expr: 'sum(1 - max by (partition) (sealcast_partition_leased))', legend: 'partitions' }],
      }),
      figure({
        title: 'Number of partitions',
        means: 'How many there are. It is set once.',
        act: 'Nothing: more workers than partitions are idle.',
        unit: Short,
        span: 4,
        height: 8,
        queries: [{ expr: 'max(sealcast_partitions)', legend: 'partitions' }],
      }),
      lines({
        title: 'Leases lost, partitions taken over',
        means:
          'Leases that ended before their worker gave them back, and partitions that others then took, in five minutes.',
        act: 'Without restarts it means that a worker or Redis stood still: see event loop and CPU.',
        unit: Short,
        span: 8,
        queries: [
          { expr: 'sum(increase(sealcast_leases_lost_total[5m]))', legend: 'leases lost' },
          {
            expr: 'sum by (reason) (increase(sealcast_partitions_taken_over_total[5m]))',
            legend: 'taken over: {{reason}}',
          },
        ],
      }),
      lines({
        title: 'Entries by partition',
        means: 'Entries in the streams: claimed ones and those that nobody has claimed.',
        act: 'One grows alone: a single topic, or a worker that stands still. All grow: more workers.',
        unit: Short,
        span: 8,
        stacked: true,
        queries: [{ expr: 'max by (partition) (sealcast_partition_entries)', legend: '{{partition}}' }],
      }),
    ],
  }
}
