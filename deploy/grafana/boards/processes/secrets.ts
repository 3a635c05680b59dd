import { Days, Short } from '@grafana/grafana-foundation-sdk/units'
import type { Section } from '../../board.ts'
import { figure } from '../../panels/figure.ts'
import { lines } from '../../panels/lines.ts'

export function secrets(): Section {
  return {
    title: 'Certificates, principals, audit',
    panels: [
      figure({
        title: 'Certificates, days left',
        means:
          'Days until each certificate in use ends: the gateway’s, the one that signs notifications, their authority, the local KMS’s.',
        act: 'Renew below 30 days; a process takes a new file without a restart where its README says so. An ended one stops clients or deliveries.',
        unit: Days,
        span: 12,
        height: 7,
        decimals: 0,
        once: true,
        limits: { alarmBelow: 7, lookBelow: 30 },
        queries: [
          {
            expr: '(min by (certificate) (sealcast_certificate_not_after_seconds) - time()) / 86400',
            legend: '{{certificate}}',
          },
        ],
      }),
      figure({
        title: 'Principals out of date',
        means: 'Processes that could not read a newer principals file and go on with the old one.',
        act: 'The log says what is wrong with the file: `principals.refused` or the like. Mend it; it is read again at once.',
        unit: Short,
        span: 4,
        height: 7,
        limits: { alarm: 1 },
        queries: [{ expr: 'sum(sealcast_principals_stale)', legend: 'processes' }],
      }),
      lines({
        title: 'Audit lines left out',
        means:
          'Denied calls without an audit line of their own, since more were denied than are written. Counts of five minutes.',
        act: 'Somebody is denied very often: the lines that are written name them.',
        unit: Short,
        span: 8,
        height: 7,
        queries: [{ expr: 'sum by (job) (increase(sealcast_audit_lines_left_out_total[5m]))', legend: '{{job}}' }],
      }),
    ],
  }
}
