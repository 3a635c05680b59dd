import { PercentUnit, Seconds, Short } from '@grafana/grafana-foundation-sdk/units'
import type { Section } from '../../board.ts'
import { heat } from '../../panels/heat.ts'
import { lines } from '../../panels/lines.ts'

export function dataKeys(): Section {
  return {
    title: 'Data keys',
    panels: [
      lines({
        title: 'Cache hit rate over time',
        means: 'Seals and opens that found their data key in memory, of all.',
        act: 'It is near 1 where publishers send more than a message a period. A fall with steady load: restarts, or a cache too small.',
        unit: PercentUnit,
        span: 8,
        max: 1,
        queries: [{ expr: 'sealcast:data_key_cache:hit_ratio5m', legend: 'hits' }],
      }),
      lines({
        title: 'Keys in memory',
        means: 'Data keys that processes hold: sealing in gateways, opening in workers. They are zeroed when they end.',
        act: 'Sealing ones follow live pairs × gateways. Opening ones live ten minutes after their last use.',
        unit: Short,
        span: 8,
        queries: [{ expr: 'sum by (cache) (sealcast_data_keys_cached)', legend: '{{cache}}' }],
      }),
      lines({
        title: 'Age of the oldest sealing key',
        means:
          'How old the oldest data key is that a gateway would still seal with; the dashed line is the reuse period.',
        act: 'It never exceeds the period. If it does, report it: a key is used too long.',
        unit: Seconds,
        span: 8,
        expectations: ['reuse period'],
        queries: [
          { expr: 'max by (instance) (sealcast_data_key_oldest_age_seconds)', legend: '{{instance}}' },
          { expr: 'max(sealcast_data_key_reuse_seconds)', legend: 'reuse period' },
        ],
      }),
      heat({
        title: 'Age at last use',
        means: 'How old data keys were when they sealed for the last time: cells count keys that ended.',
        act: 'At the top: steady publishers, the formula holds. At the bottom: publishers that send now and then pay a key for little.',
        unit: Seconds,
        span: 12,
        histogram: 'sealcast_data_key_age_seconds',
      }),
      heat({
        title: 'Messages per key',
        means: 'How many messages each data key sealed before it ended: cells count keys.',
        act: 'Few messages a key are a high price per message: let such publishers share a role, or batch.',
        unit: Short,
        span: 12,
        histogram: 'sealcast_data_key_messages',
      }),
      lines({
        title: 'Messages per key, mean and median',
        means: 'The same as numbers, of the keys that ended within an hour.',
        act: 'Calls per message are about 2 divided by this.',
        unit: Short,
        span: 24,
        height: 7,
        queries: [
          {
            expr: 'sum(rate(sealcast_data_key_messages_sum[1h])) / sum(rate(sealcast_data_key_messages_count[1h]))',
            legend: 'mean',
          },
          {
            expr: 'histogram_quantile(0.5, sum by (le) (rate(sealcast_data_key_messages_bucket[1h])))',
            legend: 'median',
          },
        ],
      }),
    ],
  }
}
