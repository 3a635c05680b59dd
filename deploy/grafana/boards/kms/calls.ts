import { RequestsPerSecond, Seconds, Short } from '@grafana/grafana-foundation-sdk/units'
import type { Section } from '../../board.ts'
import { lines } from '../../panels/lines.ts'

export function kmsCalls(): Section {
  return {
    title: 'Calls',
    panels: [
      lines({
        title: 'By operation and purpose',
        means:
          'Why calls are made. issue: a data key was due. share: a further gateway seals with it. deliver: a worker opens it for the first time; reopen: again. probe: whether a key works again.',
        act: 'In the textbook there are issue and deliver alone. What else is there explains a ratio above 1.',
        unit: RequestsPerSecond,
        span: 12,
        stacked: true,
        expectations: ['predicted'],
        queries: [
          { expr: 'sealcast:kms_requests:rate5m_by_operation_purpose', legend: '{{operation}} {{purpose}}' },
          { expr: 'sealcast:kms_predicted:rate', legend: 'predicted' },
        ],
      }),
      lines({
        title: 'By key',
        means: 'The same calls by KMS key. After 100 keys a process counts the others together.',
        act: 'One key far above the rest: has it many publishers, or one that changes role all the time?',
        unit: RequestsPerSecond,
        span: 12,
        stacked: true,
        expectations: ['predicted'],
        queries: [
          { expr: 'sealcast:kms_requests:rate5m_by_key', legend: '{{key}}' },
          { expr: 'sealcast:kms_predicted:rate', legend: 'predicted' },
        ],
      }),
      lines({
        title: 'Duration',
        means: 'How long KMS took, by operation, as gateways and workers measured it.',
        act: 'A publisher waits for this once a period. Slow: is KMS throttled, or far away?',
        unit: Seconds,
        span: 8,
        queries: [0.5, 0.99].map((quantile) => ({
          expr: `histogram_quantile(${quantile}, sum by (le, operation) (rate(sealcast_kms_request_seconds_bucket[5m])))`,
          legend: `{{operation}} p${quantile * 100}`,
        })),
      }),
      lines({
        title: 'What adds calls',
        means:
          'In five minutes: processes that started, leases that were lost and partitions taken over. Each makes data keys be opened once more.',
        act: 'None of it, and a ratio above 1: ask the ledger, `sealcast kms-usage --by publisher`.',
        unit: Short,
        span: 8,
        queries: [
          {
            expr: 'sum(changes(process_start_time_seconds{job=~"sealcast-.+"}[5m]))',
            legend: 'processes started again',
          },
          { expr: 'sum(increase(sealcast_leases_lost_total[5m]))', legend: 'leases lost' },
          {
            expr: 'sum by (reason) (increase(sealcast_partitions_taken_over_total[5m]))',
            legend: 'partitions taken over: {{reason}}',
          },
        ],
      }),
      lines({
        title: 'Roles assumed',
        means:
          'AssumeRole calls for publishers that have a role for KMS. STS does not bill them, and they are in no figure above.',
        act: 'One a publisher and session is due. Many: do sessions end too soon?',
        unit: RequestsPerSecond,
        span: 8,
        queries: [{ expr: 'sum(rate(sealcast_sts_call_seconds_count[5m]))', legend: 'AssumeRole' }],
      }),
    ],
  }
}
