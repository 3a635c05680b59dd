import { PercentUnit, RequestsPerSecond, Seconds, Short } from '@grafana/grafana-foundation-sdk/units'
import type { Section } from '../../board.ts'
import { figure } from '../../panels/figure.ts'
import { lines } from '../../panels/lines.ts'

export function prediction(): Section {
  return {
    title: 'Against the prediction',
    panels: [
      lines({
        title: 'KMS calls against the prediction',
        means:
          'GenerateDataKey and Decrypt per second, over five minutes. Predicted for this number of gateways: (g + 1) × P a reuse period, P being the pairs of topic and publisher that have a live data key. The textbook: 2 × P.',
        act: 'Calls above the dashed line for ten minutes are an alarm: look at purposes below. “share” grows with gateways, “reopen” with restarts and moved leases, “probe” while a key does not work.',
        unit: RequestsPerSecond,
        span: 14,
        height: 10,
        expectations: ['predicted', 'textbook, 2 × P'],
        queries: [
          { expr: 'sealcast:kms_requests:rate5m', legend: 'calls' },
          { expr: 'sealcast:kms_predicted:rate', legend: 'predicted' },
          { expr: 'sealcast:kms_predicted:rate_textbook', legend: 'textbook, 2 × P' },
        ],
      }),
      lines({
        title: 'KMS calls / prediction',
        means:
          'The same as ratios. With one gateway both are one; with more the textbook is exceeded by design. The line is where the alarm is.',
        act: 'Below 1: publishers are idle in part of the periods. Above 1.1 for long: see what adds calls, below.',
        unit: Short,
        span: 10,
        height: 10,
        limits: { alarm: 1.1 },
        expectations: ['of the textbook, 2 × P'],
        queries: [
          { expr: 'sealcast:kms_ratio', legend: 'of the prediction' },
          {
            expr: 'sealcast:kms_requests:rate5m / sealcast:kms_predicted:rate_textbook',
            legend: 'of the textbook, 2 × P',
          },
        ],
      }),
      figure({
        title: 'Ratio',
        means: 'Calls over prediction for this number of gateways, now.',
        act: 'Above 1.1: see above.',
        unit: Short,
        span: 4,
        decimals: 2,
        limits: { look: 1.02, alarm: 1.1 },
        queries: [{ expr: 'sealcast:kms_ratio', legend: 'ratio' }],
      }),
      figure({
        title: 'Live pairs, P',
        means: 'Pairs of topic and publisher (and key) with a shared data key that can be used now.',
        act: 'It is what the prediction is made of. More than you have publishers: do they share roles, or does each have its own?',
        unit: Short,
        span: 4,
        queries: [{ expr: 'max(sealcast_kms_active_pairs)', legend: 'pairs' }],
      }),
      figure({
        title: 'Gateways, g',
        means: 'Gateways on the list of members. Each that seals for a publisher adds a call a period.',
        act: 'Fewer than you started: one cannot reach Redis or is down.',
        unit: Short,
        span: 4,
        limits: { alarmBelow: 1 },
        queries: [{ expr: 'max(sealcast_gateways_alive)', legend: 'gateways' }],
      }),
      figure({
        title: 'Reuse period, D',
        means: 'For how long a data key seals, as configured.',
        act: 'Half of it is twice the calls. SEALCAST_DATA_KEY_REUSE_SECONDS, at most 300.',
        unit: Seconds,
        span: 4,
        queries: [{ expr: 'max(sealcast_data_key_reuse_seconds)', legend: 'D' }],
      }),
      figure({
        title: 'Textbook calls a period, 2 × P',
        means: 'Calls that the textbook expects in each reuse period: one GenerateDataKey and one Decrypt a pair.',
        act: 'Compare it with `sealcast estimate`, whose P you named yourself.',
        unit: Short,
        span: 4,
        queries: [{ expr: 'max(sealcast_kms_predicted_requests)', legend: 'calls' }],
      }),
      figure({
        title: 'Cache hit rate',
        means: 'Seals and opens that found their data key in memory, of all, over five minutes.',
        act: 'Low with few messages a period, which costs nothing. Low under load: more publishers than the cache has room for.',
        unit: PercentUnit,
        span: 4,
        decimals: 2,
        queries: [{ expr: 'sealcast:data_key_cache:hit_ratio5m', legend: 'hits' }],
      }),
    ],
  }
}
