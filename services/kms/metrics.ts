/** What the KMS counts. Labels are bounded: operations of KMS's model and names of its errors. */

import type { Counter, Metrics } from '#shared/metrics'

export interface KmsMetrics {
  readonly served: Counter<'operation' | 'outcome'>
}

export function createKmsMetrics(metrics: Metrics): KmsMetrics {
  return {
    served: metrics.counter(
      'sealcast_kms_served_requests_total',
      'Requests this KMS answered, by operation and outcome: ok, or the name of the KMS error.',
      ['operation', 'outcome'],
    ),
  }
}
