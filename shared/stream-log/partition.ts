/**
 * Which partition a message belongs to: decided here alone.
 *
 * Topic and principal together, so that all messages sealed under one data key meet one worker and cost
 * one Decrypt. Frozen: a change would let two workers open the same data key, and split what is stored.
 */

import { hashParts } from '#shared/framing'

/** @param partitions from `openMeta`; at least 1 */
export function partitionOf(topicArn: string, principal: string, partitions: number): number {
  return Number(hashParts([topicArn, principal]).readBigUInt64BE(0) % BigInt(partitions))
}
