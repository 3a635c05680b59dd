/** Forged entries put into a stream: each goes to quarantine with an alarm of its own and is counted, and the stream goes on. */

import assert from 'node:assert/strict'
import type { Forgery } from './forged-entries.ts'
import type { RedisAttacker } from './redis-attacker.ts'
import { until } from './until.ts'

/**
 * @param o.stream where they are put; the topic's partition unless told
 * @param o.afterwards runs once they are there
 */
export async function assertRefused(
  attacker: RedisAttacker,
  topicArn: string,
  forgeries: readonly Forgery[],
  o: { stream?: string; afterwards?: () => Promise<void> } = {},
): Promise<void> {
  const partition = attacker.partitionOf(topicArn)
  const counted = () => attacker.counted('sealcast_entries_quarantined_total')
  const countedBefore = await counted()
  const ids = await attacker.addEntries(
    partition,
    forgeries.map(({ fields }) => fields),
    o.stream,
  )
  await o.afterwards?.()
  const reasons = await attacker.quarantineReasons(partition, ids)
  const others = forgeries
    .map(({ name, reason }, n) => ({ name, reason, found: reasons[n] }))
    .filter(({ reason, found }) => found !== reason)
  assert.deepEqual(others, [])
  assert.equal((await counted()) - countedBefore, forgeries.length)
  await until('an alarm for each', () => {
    const alarmed = attacker.alarmed('entry.quarantined', o.stream === undefined ? 'streamId' : 'heldId')
    return ids.every((id) => alarmed.has(id))
  })
  await attacker.untilSettled()
}
