/** What every part of the catalog is given, and what reading a topic gives. */

import type { RecordMac } from '#shared/record-mac'
import type { Redis } from '#shared/redis'
import type { Topic } from './records.ts'

export interface CatalogOptions {
  redis: Redis
  recordMac: RecordMac
  /** Raises the alarm. */
  onForged: (what: { kind: 'topic' | 'subscription'; topicArn: string }) => void
}

export interface TopicSnapshot {
  topic: Topic
  /** New with every change of the topic or of a subscription. */
  version: string
}
