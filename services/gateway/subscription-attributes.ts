/**
 * The subscription attributes that can be set: their values, the texts SNS refuses them with, and those that
 * are SNS's but not enforced here yet, which are therefore refused.
 *
 * Pure: a changed copy is returned, nothing is stored. Rules: Subscribe and SetSubscriptionAttributes in the
 * SNS API reference.
 */

import type { Subscription } from '#shared/catalog'
import { echo, InvalidParameterError, parseSubscriptionDeliveryPolicy } from '#shared/sns-wire'
import { asAttributesError } from './attributes-error.ts'
import { unsupported } from './refuse-unsupported.ts'

export type SubscriptionAttributes = Pick<Subscription, 'rawMessageDelivery' | 'deliveryPolicy'>

/** Settable on SNS, refused here until something enforces them. */
const NOT_YET: ReadonlySet<string> = new Set([
  'FilterPolicy',
  'FilterPolicyScope',
  'RedrivePolicy',
  'SubscriptionRoleArn',
])

/**
 * Returns `current` with one attribute set.
 *
 * @param value of a DeliveryPolicy `''` removes it
 * @throws {InvalidParameterError} unknown, read-only, unsupported or malformed
 */
export function setSubscriptionAttribute<T extends SubscriptionAttributes>(current: T, name: string, value: string): T {
  switch (name) {
    case 'RawMessageDelivery': {
      const { rawMessageDelivery: _, ...rest } = current
      return { ...rest, ...(readRaw(value) ? { rawMessageDelivery: true } : {}) } as T
    }
    case 'DeliveryPolicy': {
      const { deliveryPolicy: _, ...rest } = current
      return { ...rest, ...(value === '' ? {} : { deliveryPolicy: parseSubscriptionDeliveryPolicy(value) }) } as T
    }
    default:
      if (NOT_YET.has(name)) throw unsupported(name)
      // ReplayPolicy too: only FIFO topics know it.
      throw new InvalidParameterError('Invalid parameter: AttributeName')
  }
}

/**
 * Reads the map of a Subscribe call.
 *
 * @throws {InvalidParameterError} `Invalid parameter: Attributes Reason: …`
 */
export function readSubscriptionAttributes(entries: readonly (readonly [string, string])[]): SubscriptionAttributes {
  let attributes: SubscriptionAttributes = {}
  for (const [name, value] of entries) {
    try {
      attributes = setSubscriptionAttribute(attributes, name, value)
    } catch (error) {
      throw asAttributesError(error)
    }
  }
  return attributes
}

/** Whether every supplied attribute has the value that the subscription has, or its default where none was set. */
export function subscriptionAttributesAgree(
  entries: readonly (readonly [string, string])[],
  supplied: SubscriptionAttributes,
  stored: SubscriptionAttributes,
): boolean {
  return entries.every(([name]) => {
    const field = FIELDS.get(name)
    return field === undefined || supplied[field] === stored[field]
  })
}

const FIELDS: ReadonlyMap<string, keyof SubscriptionAttributes> = new Map([
  ['RawMessageDelivery', 'rawMessageDelivery'],
  ['DeliveryPolicy', 'deliveryPolicy'],
])

function readRaw(value: string): boolean {
  const lower = value.toLowerCase()
  if (lower === 'true' || lower === 'false') return lower === 'true'
  throw new InvalidParameterError(
    `Invalid parameter: RawMessageDelivery: Invalid value [${echo(value)}]. Must be true or false.`,
  )
}
