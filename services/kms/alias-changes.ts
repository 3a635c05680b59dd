/**
 * What can happen to the aliases of a keystore, each as a function from the aliases as they are to
 * those as they will be. Pure: the time is an argument. A refusal throws.
 */

import { AlreadyExistsError, LimitExceededError, NotFoundError } from './errors.ts'
import { aliasArnOf, keyArnOf, type Place } from './key-identifier.ts'
import { requireNotPendingDeletion } from './key-states.ts'
import type { Alias, Keystore } from './keystore-file.ts'

type Store = Pick<Keystore, 'keys' | 'aliases'>

/** KMS's quota on the aliases of one key. */
const MAX_ALIASES_OF_KEY = 50

/**
 * @throws {AlreadyExistsError} when the name is taken in its account and region
 * @throws {NotFoundError} when the key is gone
 * @throws {KeyStateError} when it is pending deletion
 * @throws {LimitExceededError} when it has as many as it may
 */
export function addAlias(
  { keys, aliases }: Store,
  { account, region, name, targetKeyId, now }: Place & { name: string; targetKeyId: string; now: number },
): readonly Alias[] {
  const arn = aliasArnOf({ account, region }, name)
  if (aliases.some((alias) => alias.arn === arn)) {
    throw new AlreadyExistsError(`An alias with the name ${arn} already exists`)
  }
  const alias: Alias = { name, account, region, arn, targetKeyId, createdAt: now, updatedAt: now }
  requireRoom({ keys, aliases }, alias)
  return [...aliases, alias]
}

/**
 * Makes an alias name another key; the state of the old one does not matter.
 *
 * @throws {NotFoundError} when there is no such alias, or the key is gone
 * @throws {KeyStateError} when the new key is pending deletion
 * @throws {LimitExceededError} when it has as many as it may
 */
export function moveAlias(
  { keys, aliases }: Store,
  { arn, targetKeyId, now }: { arn: string; targetKeyId: string; now: number },
): readonly Alias[] {
  const moved = { ...existing(aliases, arn), targetKeyId, updatedAt: now }
  const others = aliases.filter((alias) => alias.arn !== arn)
  requireRoom({ keys, aliases: others }, moved)
  return [...others, moved]
}

/** @throws {NotFoundError} when there is no such alias */
export function removeAlias({ aliases }: Store, arn: string): readonly Alias[] {
  const removed = existing(aliases, arn)
  return aliases.filter((alias) => alias !== removed)
}

function existing(aliases: readonly Alias[], arn: string): Alias {
  const alias = aliases.find((candidate) => candidate.arn === arn)
  if (alias === undefined) throw new NotFoundError(`Alias ${arn} is not found.`)
  return alias
}

function requireRoom({ keys, aliases }: Store, { targetKeyId, ...place }: Alias): void {
  const key = keys.find(({ id }) => id === targetKeyId)
  if (key === undefined) throw new NotFoundError(`Key '${keyArnOf(place, targetKeyId)}' does not exist`)
  requireNotPendingDeletion(key)
  const count = aliases.filter((alias) => alias.targetKeyId === targetKeyId).length
  if (count < MAX_ALIASES_OF_KEY) return
  throw new LimitExceededError(`The key has ${count} aliases, as many as there may be: ${key.arn}`)
}
