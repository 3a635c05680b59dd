/** What becomes of notifications, by topic. Counted once a delivery, so each topic's series are looked up once. */

import { boundedSeries, type Metrics } from '#shared/metrics'

export interface TopicMetrics {
  /** @param seconds from acceptance to the endpoint's 2xx */
  delivered(topicArn: string, seconds: number): void
  failed(topicArn: string): void
}

/** Topics with series of their own in one process; all others share `other`. */
const MAX_TOPICS = 100

/** Few, since each topic has them all. */
const DWELL_SECONDS = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600]

export function createTopicMetrics(metrics: Metrics): TopicMetrics {
  const notifications = metrics.counter(
    'sealcast_topic_notifications_total',
    'Notifications by topic and outcome: delivered, failed (given up; SNS: NumberOfNotificationsDelivered, …Failed); from the 101st topic on: other.',
    ['topic', 'outcome'],
  )
  const dwell = metrics.boundHistogram(
    'sealcast_topic_dwell_seconds',
    "From a message's acceptance to the endpoint's success answer, by topic (SNS: DwellTime); from the 101st topic on: other.",
    DWELL_SECONDS,
    ['topic'],
  )
  const seriesOf = boundedSeries(MAX_TOPICS, (topic) => ({
    delivered: notifications.bind({ topic, outcome: 'delivered' }),
    failed: notifications.bind({ topic, outcome: 'failed' }),
    dwell: dwell.bind({ topic }),
  }))
  return {
    delivered(topicArn, seconds) {
      const series = seriesOf(topicArn)
      series.delivered.add()
      series.dwell.observe(seconds)
    },
    failed: (topicArn) => seriesOf(topicArn).failed.add(),
  }
}
