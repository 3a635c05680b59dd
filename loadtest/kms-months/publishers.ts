/** Who publishes in a simulated month, and when. Pure. */

export interface Publisher {
  topicArn: string
  principal: string
  /** From the beginning, in ms, one after the other without end. */
  times(): Generator<number>
}

/** Reuse periods are a whole number of each, so that a message comes in the moment a key may not be used any more. */
const STEADY_SECONDS = [10, 12, 15, 20, 25, 30, 50, 60] as const

/** @param publishersOfTopics how many for each topic; they keep different paces */
export function steadyPublishers(publishersOfTopics: readonly number[]): Publisher[] {
  return createPublishers(publishersOfTopics, (n) => every(1000 * (STEADY_SECONDS[n % STEADY_SECONDS.length] ?? 60)))
}

/** With gaps of 10 to 60 s. */
export function irregularPublishers(publishersOfTopics: readonly number[], random: () => number): Publisher[] {
  return createPublishers(publishersOfTopics, () => irregular(random))
}

/** One publisher with a message a day. */
export function idlePublisher(): Publisher[] {
  return createPublishers([1], () => every(86_400_000))
}

function createPublishers(
  publishersOfTopics: readonly number[],
  timesOf: (n: number) => Generator<number>,
): Publisher[] {
  const pairs = publishersOfTopics.flatMap((count, topic) => Array.from({ length: count }, (_, at) => ({ topic, at })))
  return pairs.map(({ topic, at }, n) => ({
    topicArn: `arn:aws:sns:us-east-1:000000000000:topic-${topic + 1}`,
    principal: `arn:aws:iam::000000000000:user/publisher-${topic + 1}-${at + 1}`,
    times: () => timesOf(n),
  }))
}

function* every(everyMs: number): Generator<number> {
  for (let at = 0; ; at += everyMs) yield at
}

function* irregular(random: () => number): Generator<number> {
  for (let at = 0; ; at += Math.round(10_000 + random() * 50_000)) yield at
}

/** Publishes in order of time: those of one moment together. */
export function* inOrder(publishers: readonly Publisher[]): Generator<{ at: number; due: Publisher[] }> {
  const line = publishers.map((publisher) => {
    const times = publisher.times()
    return { publisher, times, next: nextOf(times) }
  })
  for (;;) {
    const at = Math.min(...line.map(({ next }) => next))
    const due = line.filter(({ next }) => next === at)
    yield { at, due: due.map(({ publisher }) => publisher) }
    for (const one of due) one.next = nextOf(one.times)
  }
}

function nextOf(times: Generator<number>): number {
  return times.next().value ?? Number.POSITIVE_INFINITY
}
