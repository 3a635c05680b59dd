/** What the KMS counts. Labels are bounded: operations of KMS's model and names of its errors. */

import type { Counter, Metrics } from '#shared/metrics'

export interface KmsMetrics {
  readonly served: Counter<'operation' | 'outcome'>
  readonly injected: Counter<'kind'>
  readonly auditLeftOut: Counter<never>
}

export function createKmsMetrics(metrics: Metrics): KmsMetrics {
  const injected = metrics.counter(
    'sealcast_kms_injected_faults_total',
    'Faults that requests met because they were asked for: throttled, error, reset, hang, latency.',
    ['kind'],
  )
  for (const kind of ['throttled', 'error', 'reset', 'hang', 'latency']) injected.add({ kind }, 0)
  return {
    served: metrics.counter(
      'sealcast_kms_served_requests_total',
      'Requests this KMS answered, by operation and outcome: ok, or the name of the KMS error.',
      ['operation', 'outcome'],
    ),
    injected,
    auditLeftOut: metrics.counter(
      'sealcast_audit_lines_left_out_total',
      'Denied calls without an audit line of their own, since more were denied than are written.',
    ),
  }
}
