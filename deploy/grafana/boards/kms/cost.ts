/**
 * Money: requests of the range at the list's price, and of a month at the range's rate. Every operation is billed, so these
 * count what the prediction does not: DescribeKey, ReEncrypt.
 */

import { Dollars, Short } from '@grafana/grafana-foundation-sdk/units'
import type { Section } from '../../board.ts'
import { bars } from '../../panels/bars.ts'
import { figure } from '../../panels/figure.ts'

const SECONDS_PER_MONTH = (365 / 12) * 86_400

/** What remains after the free requests, never less than nothing. */
const usdOfMonth = (requestsPerSecond: string) =>
  `clamp_min(${requestsPerSecond} * ${SECONDS_PER_MONTH} - $free_requests, 0) * $usd_per_10000 / 10000`

const AT_THIS_RATE = 'sum(rate(sealcast_kms_requests_total[$__range]))'

export function kmsCost(): Section {
  return {
    title: 'Cost',
    panels: [
      figure({
        title: 'Calls in the range',
        means:
          'KMS requests of every operation in the time on the screen, as Prometheus saw them: what a process counted before its first scrape is not in it.',
        act: 'The exact number, over restarts, is the ledger’s: `sealcast kms-usage`.',
        unit: Short,
        span: 4,
        once: true,
        decimals: 0,
        queries: [{ expr: 'sum(increase(sealcast_kms_requests_total[$__range]))', legend: 'calls' }],
      }),
      figure({
        title: 'Cost so far',
        means: 'Those calls at the price above, as if none were free.',
        act: 'Choose “This month so far” as the range for the month’s; the free requests come off it once.',
        unit: Dollars,
        span: 4,
        once: true,
        decimals: 4,
        queries: [
          {
            expr: 'sum(increase(sealcast_kms_requests_total[$__range])) * $usd_per_10000 / 10000',
            legend: 'cost',
          },
        ],
      }),
      figure({
        title: 'Calls of a month',
        means: 'Calls of a whole month (30.4 days) at the mean rate of the range.',
        act: 'Choose a range in which load was as usual and every process ran throughout.',
        unit: Short,
        span: 4,
        once: true,
        decimals: 0,
        queries: [{ expr: `${AT_THIS_RATE} * ${SECONDS_PER_MONTH}`, legend: 'calls' }],
      }),
      figure({
        title: 'Cost of a month',
        means: 'Those calls of a month at the price above, without the free requests.',
        act: 'Keys have a price of their own, which is not in it: 1 USD a key and month.',
        unit: Dollars,
        span: 4,
        once: true,
        decimals: 2,
        queries: [{ expr: usdOfMonth(AT_THIS_RATE), legend: 'cost' }],
      }),
      figure({
        title: 'Predicted cost of a month',
        means: 'The same for the calls predicted for this number of gateways, by the mean of the range.',
        act: 'The cost at the left being well above it: see the ratio.',
        unit: Dollars,
        span: 4,
        once: true,
        decimals: 2,
        queries: [{ expr: usdOfMonth('avg_over_time(sealcast:kms_predicted:rate[$__range])'), legend: 'cost' }],
      }),
      figure({
        title: 'Textbook cost of a month',
        means: 'The same for the textbook’s 2 × P.',
        act: 'The difference to the predicted cost is the price of more than one gateway.',
        unit: Dollars,
        span: 4,
        once: true,
        decimals: 2,
        queries: [
          { expr: usdOfMonth('avg_over_time(sealcast:kms_predicted:rate_textbook[$__range])'), legend: 'cost' },
        ],
      }),
      bars({
        title: 'Calls in the range, by key',
        means: 'The ten keys with most calls in the time on the screen.',
        act: 'To charge it back: `sealcast kms-usage --by key`, which is exact.',
        unit: Short,
        span: 12,
        query: {
          expr: 'sort_desc(topk(10, sum by (key) (increase(sealcast_kms_requests_total[$__range]))))',
          legend: '{{key}}',
        },
      }),
      bars({
        title: 'Calls in the range, by purpose',
        means: 'What the calls in the time on the screen were for.',
        act: 'Anything but issue, share and deliver in large numbers deserves a look: `sealcast kms-usage --by purpose`.',
        unit: Short,
        span: 12,
        query: {
          expr: 'sort_desc(sum by (operation, purpose) (increase(sealcast_kms_requests_total[$__range])))',
          legend: '{{operation}} {{purpose}}',
        },
      }),
    ],
  }
}
