/** Publishers are no label, on purpose: there is no bound to them. The ledger has them exactly. */

import { BytesPerSecondIEC, MessagesPerSecond } from '@grafana/grafana-foundation-sdk/units'
import type { Section } from '../../board.ts'
import { lines } from '../../panels/lines.ts'
import { list } from '../../panels/list.ts'
import { note } from '../../panels/note.ts'

export function whoCausesIt(): Section {
  return {
    title: 'Who causes it',
    panels: [
      note({
        title: 'Top publishers',
        span: 8,
        height: 9,
        markdown: `Which publisher causes how many calls is counted exactly, in Redis, and is not in Prometheus: a label for each
publisher would have no bound. Ask the ledger:

\`\`\`sh
sealcast kms-usage --by publisher
sealcast kms-usage --by topic
sealcast kms-usage --by key
sealcast kms-usage --by purpose
\`\`\`

With \`--since\` for a shorter time. What to expect instead: \`sealcast estimate\`.`,
      }),
      list({
        title: 'Top topics',
        means:
          'The topics with most messages in the range: how much each publishes per second. Each publisher of a topic costs at least one data key a period in which it publishes.',
        act: 'Many calls and few messages: compare with `sealcast kms-usage --by topic`.',
        unit: MessagesPerSecond,
        span: 16,
        height: 9,
        sortBy: 'Published',
        labels: { topic: 'Topic' },
        columns: [
          {
            expr: 'topk(20, sum by (topic) (rate(sealcast_topic_messages_published_total[$__range])))',
            name: 'Published',
          },
          {
            expr: 'sum by (topic) (rate(sealcast_topic_published_bytes_total[$__range]))',
            name: 'Bytes',
            unit: BytesPerSecondIEC,
          },
        ],
      }),
      lines({
        title: 'Sealed and not',
        means: 'Messages accepted, by whether their body was sealed. Only sealed ones need KMS.',
        act: 'A topic that should be sealed and is not: set its KmsMasterKeyId.',
        unit: MessagesPerSecond,
        span: 24,
        height: 7,
        stacked: true,
        queries: [
          {
            expr: 'sum by (sealed) (rate(sealcast_messages_published_total[$__rate_interval]))',
            legend: 'sealed: {{sealed}}',
          },
        ],
      }),
    ],
  }
}
