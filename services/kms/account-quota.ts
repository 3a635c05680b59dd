/**
 * How much of the keystore one account may take up. Pure.
 *
 * Every change writes the whole store, and all publishers' data keys wait for that: an account that could let it
 * grow would slow down every other, and at last nothing could be written any more. Filled to its quotas by
 * one account, a store has some 14 MB. What shrinks is never refused. AWS KMS has quotas of its own, an account's to raise.
 */

import { LimitExceededError } from './errors.ts'
import type { Alias, Keystore, KmsKey } from './keystore-file.ts'

/** Of all regions together, AWS managed keys and those that wait for their deletion among them. */
export const MAX_KEYS = 5_000
/** Of all regions together. */
export const MAX_ALIASES = 5_000
/** Descriptions, tags and key policies of all keys together, in characters: some 800 for each of the most keys there can be. */
export const MAX_METADATA = 4_194_304

/**
 * @param keys as they will be
 * @throws {LimitExceededError} when `account` has more than it may
 */
export function requireKeyQuota(keys: Keystore['keys'], account: string): void {
  const own = keys.filter((key) => key.account === account)
  if (own.length > MAX_KEYS) throw new LimitExceededError(`The account has ${MAX_KEYS} keys, as many as there may be.`)
  const metadata = own.reduce((total, key) => total + metadataOf(key), 0)
  if (metadata <= MAX_METADATA) return
  throw new LimitExceededError(
    `Descriptions, tags and policies of an account's keys may have ${MAX_METADATA} characters together, not more.`,
  )
}

/**
 * @param aliases as they will be
 * @throws {LimitExceededError} when `account` has more than it may
 */
export function requireAliasQuota(aliases: readonly Alias[], account: string): void {
  const own = aliases.filter((alias) => alias.account === account)
  if (own.length <= MAX_ALIASES) return
  throw new LimitExceededError(`The account has ${MAX_ALIASES} aliases, as many as there may be.`)
}

/** Whether a change makes a key take up more of what is limited. */
export function isMoreMetadata(changed: KmsKey, before: KmsKey): boolean {
  return metadataOf(changed) > metadataOf(before)
}

function metadataOf({ description, tags, policy = '' }: KmsKey): number {
  return tags.reduce((total, { key, value }) => total + key.length + value.length, description.length + policy.length)
}
