/**
 * Lets changes to the subscriptions of one topic take turns in this process.
 *
 * Changes are optimistic on the topic's version. A hundred Subscribe calls at once would mostly undo
 * each other's expectations; in turns only another gateway's change makes one try again.
 */

export interface TopicTurns {
  /** Runs `work` after the earlier ones for this topic have ended, however they ended. */
  inTurn<T>(topicArn: string, work: () => Promise<T>): Promise<T>
}

export function createTopicTurns(): TopicTurns {
  const last = new Map<string, Promise<unknown>>()
  return {
    inTurn(topicArn, work) {
      const turn = (last.get(topicArn) ?? Promise.resolve()).then(work, work)
      const settled = turn.then(
        () => undefined,
        () => undefined,
      )
      last.set(topicArn, settled)
      settled.then(() => {
        if (last.get(topicArn) === settled) last.delete(topicArn)
      })
      return turn
    },
  }
}
