/** A topic for attacks through Redis. */

import type { SNSClient } from '@aws-sdk/client-sns'
import { createTopic, subscribeAndConfirm } from './messaging.ts'
import type { RedisAttacker } from './redis-attacker.ts'
import type { Stack } from './start-stack.ts'

/** Makes a topic with a confirmed subscriber; `copy` publishes to it and copies the entry. */
export async function attackTopic(
  o: { stack: Stack; sns: SNSClient; attacker: RedisAttacker; keyArn: string },
  { sealed }: { sealed: boolean } = { sealed: true },
) {
  const { stack, sns, attacker, keyArn } = o
  const topicArn = await createTopic(sns, sealed ? { KmsMasterKeyId: keyArn } : {})
  const subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
  return {
    topicArn,
    partition: attacker.partitionOf(topicArn),
    subscriber,
    copy: (message: string) => attacker.copyMessage({ sns, topicArn, subscriber, message }),
  }
}
