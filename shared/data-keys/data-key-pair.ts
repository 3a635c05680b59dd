/** Whom a data key serves: one publisher on one topic, under one configured KMS key. */

import { hashParts } from '#shared/framing'

export interface DataKeyPair {
  topicArn: string
  /** The publisher's id: an ARN or a service's name, with a mark of the grounds where there are any. */
  principal: string
  /** The topic's KmsMasterKeyId as it was set: key id, alias or ARN. Changing it changes the pair. */
  configuredKeyId: string
  /** No part of the pair's name: the publisher's id already differs with them. */
  grounds?: PublisherGrounds | undefined
}

/** What KMS has to know of a publisher besides who it is, to decide whether it may have a data key. */
export interface PublisherGrounds {
  /** Of a role session: what it may do at most, in JSON. */
  readonly sessionPolicy?: string | undefined
  /** Of a role session: the tags that are its own, its role's not among them. */
  readonly sessionTags?: Readonly<Record<string, string>> | undefined
  readonly sourceIdentity?: string | undefined
  /** Of a service: for whom it acts. */
  readonly sourceArn?: string | undefined
  readonly sourceAccount?: string | undefined
}

/** SNS's own, so that key policies written for SNS fit; its value is the topic ARN. */
export const CONTEXT_KEY = 'aws:sns:topicArn'

/** Names the pair's record within its topic; 64 hex digits. */
export function recordNameOf({ topicArn, principal, configuredKeyId }: DataKeyPair): string {
  return hashParts([principal, configuredKeyId, CONTEXT_KEY, topicArn]).toString('hex')
}

/**
 * The pair as a key of in-memory maps: cheaper than the hash, which every publish would pay.
 *
 * The configured key, which may be any text a topic's owner sets, comes last: no ARN holds a line end,
 * so two pairs never give one text.
 */
export function cacheKeyOf({ topicArn, principal, configuredKeyId }: DataKeyPair): string {
  return `${topicArn}\n${principal}\n${configuredKeyId}`
}
