/**
 * Topics and subscriptions as text in Redis, and back.
 *
 * JSON with its keys in one order, under a MAC over the text and the key it lies under: Redis is not
 * trusted, and an authentic subscription moved to another topic must not count. The MAC is verified
 * before the text is parsed. A record with a key that this release does not know is refused: dropping
 * it would switch off what somebody configured, and a change would then erase it.
 */

import { parseDocument, schema } from '#shared/config'
import type { RecordMac } from '#shared/record-mac'

export interface TopicAttributes {
  displayName?: string
  kmsMasterKeyId?: string
  signatureVersion?: '1' | '2'
  /** As parsed by sns-wire: JSON. */
  deliveryPolicy?: string
  /** As parsed by sns-wire: JSON. Absent: SNS's default. */
  policy?: string
}

export interface Topic {
  arn: string
  /** 32 hex digits, random: a deleted and re-created topic is another one. */
  incarnation: string
  /** Account. */
  owner: string
  /** Epoch ms. */
  createdAt: number
  /** Those that were set. */
  attributes: TopicAttributes
}

export interface Subscription {
  id: string
  topicArn: string
  /** Of the topic. One of an earlier incarnation does not count. */
  incarnation: string
  protocol: 'http' | 'https'
  endpoint: string
  /** Account. */
  owner: string
  /** ARN of who subscribed. */
  principal: string
  state: 'pending' | 'confirmed' | 'deleted'
  confirmationWasAuthenticated: boolean
  /** Epoch ms. */
  createdAt: number
  /** Epoch ms of the last Subscribe that left it pending; `createdAt` when absent. */
  pendingSince?: number
  rawMessageDelivery?: true
  /** As parsed by sns-wire: JSON. */
  deliveryPolicy?: string
}

/** A text and the MAC over it. */
export interface AuthenticText {
  text: string
  mac: string
}

const VERSION = 1

const topicSchema = schema.strictObject({
  v: schema.literal(VERSION),
  arn: schema.string(),
  incarnation: schema.string(),
  owner: schema.string(),
  createdAt: schema.int(),
  attributes: schema.strictObject({
    displayName: schema.string().exactOptional(),
    kmsMasterKeyId: schema.string().exactOptional(),
    signatureVersion: schema.enum(['1', '2']).exactOptional(),
    deliveryPolicy: schema.string().exactOptional(),
    policy: schema.string().exactOptional(),
  }),
})

const subscriptionSchema = schema.strictObject({
  v: schema.literal(VERSION),
  id: schema.string(),
  topicArn: schema.string(),
  incarnation: schema.string(),
  protocol: schema.enum(['http', 'https']),
  endpoint: schema.string(),
  owner: schema.string(),
  principal: schema.string(),
  state: schema.enum(['pending', 'confirmed', 'deleted']),
  confirmationWasAuthenticated: schema.boolean(),
  createdAt: schema.int(),
  pendingSince: schema.int().exactOptional(),
  rawMessageDelivery: schema.literal(true).exactOptional(),
  deliveryPolicy: schema.string().exactOptional(),
})

export function encodeTopic(topic: Topic, recordMac: RecordMac): AuthenticText {
  const { arn, incarnation, owner, createdAt } = topic
  const { displayName, kmsMasterKeyId, signatureVersion, deliveryPolicy, policy } = topic.attributes
  // JSON leaves out what is undefined.
  const attributes = { displayName, kmsMasterKeyId, signatureVersion, deliveryPolicy, policy }
  const text = JSON.stringify({ v: VERSION, arn, incarnation, owner, createdAt, attributes })
  return { text, mac: recordMac.authenticate('topic', [arn, text]) }
}

/**
 * @param arn the one whose key the record lies under
 * @throws {RecordForgedError}
 * @throws {DocumentError} an authentic record of another release
 */
export function decodeTopic(arn: string, stored: Partial<AuthenticText>, recordMac: RecordMac): Topic {
  recordMac.verify('topic', [arn, stored.text], stored.mac)
  const { v: _, ...topic } = parseDocument('topic record', topicSchema, stored.text ?? '')
  return topic
}

export function encodeSubscription(subscription: Subscription, recordMac: RecordMac): AuthenticText {
  const { id, topicArn, incarnation, protocol, endpoint, owner, principal } = subscription
  const { state, confirmationWasAuthenticated, createdAt } = subscription
  const { pendingSince, rawMessageDelivery, deliveryPolicy } = subscription
  const text = JSON.stringify({
    v: VERSION,
    id,
    topicArn,
    incarnation,
    protocol,
    endpoint,
    owner,
    principal,
    state,
    confirmationWasAuthenticated,
    createdAt,
    pendingSince,
    rawMessageDelivery,
    deliveryPolicy,
  })
  return { text, mac: recordMac.authenticate('subscription', [topicArn, id, text]) }
}

/** @throws as {@link decodeTopic} */
export function decodeSubscription(
  { topicArn, id }: { topicArn: string; id: string },
  stored: Partial<AuthenticText>,
  recordMac: RecordMac,
): Subscription {
  recordMac.verify('subscription', [topicArn, id, stored.text], stored.mac)
  const { v: _, ...subscription } = parseDocument('subscription record', subscriptionSchema, stored.text ?? '')
  return subscription
}

/** A subscription's MAC and text in one hash field: a MAC has no space. */
export function joinAuthentic({ text, mac }: AuthenticText): string {
  return `${mac} ${text}`
}

export function splitAuthentic(value: string): AuthenticText {
  const at = value.indexOf(' ')
  return { mac: value.slice(0, Math.max(at, 0)), text: value.slice(at + 1) }
}
