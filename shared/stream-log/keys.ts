/**
 * One function builds each key of the log.
 *
 * All keys of a partition share the hash tag `p:<n>`, so that every script stays in one slot of a
 * Redis Cluster. The names are frozen: stored messages lie under them.
 */

export const keys = {
  /** Hash: schema version and number of partitions. */
  metaKey: 'sealcast:meta',
  /** Stream of entries, with the group `delivery`. */
  streamKey: (partition: number) => `sealcast:{p:${partition}}:stream`,
  /** String: token of the holder. */
  leaseKey: (partition: number) => `sealcast:{p:${partition}}:lease`,
  /** Hash: the body record of a message that retries still need. */
  bodyKey: (partition: number, messageId: string) => `sealcast:{p:${partition}}:body:${messageId}`,
  /** Stream: entries whose integrity failed. */
  quarantineKey: (partition: number) => `sealcast:{p:${partition}}:quarantine`,
  /** Stream: references to messages that wait for capacity of one subscription's endpoint. */
  backlogKey: (partition: number, subscriptionId: string) => `sealcast:{p:${partition}}:backlog:${subscriptionId}`,
  /** Set: ids of the subscriptions that have a backlog in the partition. */
  backlogsKey: (partition: number) => `sealcast:{p:${partition}}:backlogs`,
  /** Stream: messages that wait for one KMS key to work again. An ARN of a key is bounded and has no braces. */
  heldKey: (partition: number, keyArn: string) => `sealcast:{p:${partition}}:held:${keyArn}`,
  /** Set: ARNs of the KMS keys that messages of the partition wait for. */
  heldKeysKey: (partition: number) => `sealcast:{p:${partition}}:held-keys`,
  /** BullMQ's `prefix`; with the queue name `retry` its keys begin with `sealcast:{p:<n>}:retry`. */
  retryPrefix: (partition: number) => `sealcast:{p:${partition}}`,
}

/** Consumer group of every partition stream. */
export const GROUP = 'delivery'

/** The one consumer of the group: pending entries then need no claiming over when the lease moves. */
export const CONSUMER = 'owner'
