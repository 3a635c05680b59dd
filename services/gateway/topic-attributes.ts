/**
 * The topic attributes that can be set: their values, the texts SNS refuses them with, and those
 * that are SNS's but not enforced here yet, which are therefore refused.
 *
 * Pure: a new attribute set is returned, nothing is stored. Rules: CreateTopic and
 * SetTopicAttributes in the SNS API reference.
 */

import type { Topic, TopicAttributes } from '#shared/catalog'
import { InvalidParameterError, parseTopicDeliveryPolicy } from '#shared/sns-wire'
import { readPolicyAttribute } from '#shared/topic-access'
import { asAttributesError } from './attributes-error.ts'

/** Characters of a DisplayName. SNS API reference. */
const DISPLAY_NAME_LENGTH = 100
/**
 * SNS stores any string. The bound keeps records small, and leaves room to make an ARN of it within
 * the 2048 characters that KMS takes: beyond them KMS could not say that it knows no such key.
 */
const KEY_ID_LENGTH = 1024

/** Settable on SNS, refused here until something enforces them. */
const NOT_YET = new Set([
  'FifoTopic',
  'ContentBasedDeduplication',
  'FifoThroughputScope',
  'ArchivePolicy',
  'TracingConfig',
  ...['HTTP', 'Firehose', 'Lambda', 'Application', 'SQS'].flatMap((protocol) => [
    `${protocol}SuccessFeedbackRoleArn`,
    `${protocol}SuccessFeedbackSampleRate`,
    `${protocol}FailureFeedbackRoleArn`,
  ]),
])

/**
 * Returns `current` with one attribute set.
 *
 * @param value `''` removes the attribute, except for a policy, which SNS replaces and never lets go of
 * @throws {InvalidParameterError} unknown, read-only, unsupported or malformed
 */
export function setTopicAttribute(
  current: TopicAttributes,
  name: string,
  value: string,
  topic: Pick<Topic, 'arn' | 'owner'>,
): TopicAttributes {
  switch (name) {
    case 'DisplayName':
      if (value.length > DISPLAY_NAME_LENGTH) throw new InvalidParameterError('Invalid parameter: DisplayName')
      return withOptional(current, 'displayName', value)
    case 'KmsMasterKeyId':
      // Never resolved here, as in SNS: a key may be made later, and the publish says what is wrong.
      if (value.length > KEY_ID_LENGTH) throw new InvalidParameterError('Invalid parameter: KmsMasterKeyId')
      return withOptional(current, 'kmsMasterKeyId', value)
    case 'SignatureVersion':
      if (value !== '1' && value !== '2') throw new InvalidParameterError('Invalid parameter: SignatureVersion')
      return { ...current, signatureVersion: value }
    case 'DeliveryPolicy':
      return withOptional(current, 'deliveryPolicy', value === '' ? '' : parseTopicDeliveryPolicy(value))
    case 'Policy':
      return withOptional(current, 'policy', readPolicyAttribute(value, topic) ?? '')
    default:
      if (NOT_YET.has(name)) {
        throw new InvalidParameterError(`Invalid parameter: ${name} Reason: not supported by this server yet`)
      }
      throw new InvalidParameterError('Invalid parameter: AttributeName')
  }
}

/**
 * Builds the attributes of a new topic from CreateTopic's map.
 *
 * @throws {InvalidParameterError} `Invalid parameter: Attributes Reason: …`
 */
export function readTopicAttributes(
  entries: readonly (readonly [string, string])[],
  topic: Pick<Topic, 'arn' | 'owner'>,
): TopicAttributes {
  let attributes: TopicAttributes = {}
  for (const [name, value] of entries) {
    // A standard topic may say so; the value is neither stored nor returned. Recorded from SNS.
    if (name === 'FifoTopic' && value.toLowerCase() === 'false') continue
    try {
      attributes = setTopicAttribute(attributes, name, value, topic)
    } catch (error) {
      throw asAttributesError(error)
    }
  }
  return attributes
}

/** Whether every supplied attribute equals the stored one; one that was never set differs. */
export function attributesAgree(
  entries: readonly (readonly [string, string])[],
  supplied: TopicAttributes,
  stored: TopicAttributes,
): boolean {
  return entries.every(([name]) => {
    const field = FIELDS.get(name)
    return field === undefined || supplied[field] === stored[field]
  })
}

const FIELDS = new Map<string, keyof TopicAttributes>([
  ['DisplayName', 'displayName'],
  ['KmsMasterKeyId', 'kmsMasterKeyId'],
  ['SignatureVersion', 'signatureVersion'],
  ['DeliveryPolicy', 'deliveryPolicy'],
  ['Policy', 'policy'],
])

function withOptional(
  current: TopicAttributes,
  field: 'displayName' | 'kmsMasterKeyId' | 'deliveryPolicy' | 'policy',
  value: string,
): TopicAttributes {
  const { [field]: _removed, ...rest } = current
  return value === '' ? rest : { ...rest, [field]: value }
}
