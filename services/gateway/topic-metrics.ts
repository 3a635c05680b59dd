/** What is published, by topic. Counted once a call on the way of every publish, so each topic's series are looked up once. */

import { boundedSeries, type Metrics } from '#shared/metrics'

/** Topics with series of their own in one process; all others share `other`. */
const MAX_TOPICS = 100

/**
 * @param part of the process's topics that this thread may have
 * @returns counts one accepted call
 */
export function createTopicMetrics(
  metrics: Metrics,
  part: number,
): (o: { topicArn: string; messages: number; bodyBytes: number }) => void {
  const published = metrics.counter(
    'sealcast_topic_messages_published_total',
    'Messages accepted and stored, by topic (SNS: NumberOfMessagesPublished); from the 101st topic on: other.',
    ['topic'],
  )
  const bytes = metrics.counter(
    'sealcast_topic_published_bytes_total',
    'Body bytes accepted and stored, by topic (SNS: the sum of PublishSize); from the 101st topic on: other.',
    ['topic'],
  )
  const seriesOf = boundedSeries(Math.max(1, Math.floor(MAX_TOPICS * part)), (topic) => ({
    messages: published.bind({ topic }),
    bytes: bytes.bind({ topic }),
  }))
  return ({ topicArn, messages, bodyBytes }) => {
    const series = seriesOf(topicArn)
    series.messages.add(messages)
    series.bytes.add(bodyBytes)
  }
}
