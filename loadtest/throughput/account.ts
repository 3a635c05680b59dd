/**
 * The count from end to end: what was offered, accepted, published, appended and delivered, message by message. Pure.
 */

import type { BitSet } from '../harness/bit-set.ts'

export interface Account {
  /** Messages that were due. */
  readonly offered: number
  /** Messages that a publisher was told are stored, and those of which it was told nothing. */
  readonly accepted: number
  readonly unknown: number
  /** By the gateways' own counters; undefined where a gateway was replaced and its counter with it. */
  readonly published: number | undefined
  /** Entries ever added to the partition streams, by Redis's own count. */
  readonly appended: number
  /** Accepted messages times the subscriptions of their topic. */
  readonly owed: number
  readonly deliveries: number
  /** Deliveries of a message to a subscription that had it already. */
  readonly duplicates: number
  /** Owed and not delivered. */
  readonly lost: number
  /** Delivered though no publisher was told that it is stored, nor left without an answer. */
  readonly uninvited: number
  /** Requests to subscribers that held none of our messages. */
  readonly strange: number
}

export interface Received {
  readonly topic: number
  readonly numbers: BitSet
  readonly deliveries: number
}

export function account(o: {
  offered: number
  accepted: BitSet
  unknown: BitSet
  /** Above every number that was due. */
  end: number
  /** @returns the index of a message's topic */
  topicOf: (number: number) => number
  published: number | undefined
  appended: number
  subscriptions: readonly Received[]
  strange: number
}): Account {
  let [owed, lost, uninvited, deliveries, duplicates] = [0, 0, 0, 0, 0]
  const byTopic = Map.groupBy(o.subscriptions, ({ topic }) => topic)
  for (let number = 0; number < o.end; number++) {
    const accepted = o.accepted.has(number)
    const isKnown = accepted || o.unknown.has(number)
    const topic = o.topicOf(number)
    for (const { numbers } of byTopic.get(topic) ?? []) {
      const came = numbers.has(number)
      if (accepted) owed++
      if (accepted && !came) lost++
      if (came && !isKnown) uninvited++
    }
  }
  for (const subscription of o.subscriptions) {
    deliveries += subscription.deliveries
    duplicates += subscription.deliveries - subscription.numbers.size
  }
  const { offered, published, appended, strange } = o
  return {
    offered,
    accepted: o.accepted.size,
    unknown: o.unknown.size,
    published,
    appended,
    owed,
    deliveries,
    duplicates,
    lost,
    uninvited,
    strange,
  }
}

/** @returns what does not add up, in sentences */
export function findMiscounts(account: Account): string[] {
  const { accepted, unknown, published, appended, lost, owed, uninvited, strange } = account
  const problems: string[] = []
  const most = accepted + unknown
  const range = unknown === 0 ? `${accepted}` : `${accepted} to ${most}`
  if (published !== undefined && (published < accepted || published > most)) {
    problems.push(`Publishers were told of ${range} messages, but the gateways count ${published} as published.`)
  }
  if (!Number.isNaN(appended)) {
    if (published !== undefined && appended !== published) {
      problems.push(`${published} messages were published, but ${appended} entries appended.`)
    } else if (published === undefined && (appended < accepted || appended > most)) {
      problems.push(`Publishers were told of ${range} messages, but ${appended} entries were appended.`)
    }
  }
  if (lost > 0) problems.push(`${lost} of ${owed} deliveries that were owed did not come: messages were lost.`)
  if (uninvited > 0) problems.push(`${uninvited} deliveries were of messages that no publisher was told are stored.`)
  if (strange > 0) problems.push(`${strange} requests to subscribers held none of the messages.`)
  return problems
}
