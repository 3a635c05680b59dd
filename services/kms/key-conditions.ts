/**
 * What conditions of policies may ask about a request: of the key, of what is asked, and, from caller-conditions.ts, of who asks.
 *
 * Names are in lower case. An encryption context may hold two pairs whose names differ in case alone, and so may tags, while
 * the names of condition keys have no case: whoever may choose them could let a condition see the one and use the other. So
 * there is a context for each of them, and a request must be allowed under all.
 */

import type { ConditionContext } from '#shared/policy'
import type { Conditions, KeyUse, UsedKey } from './key-use.ts'
import type { Tag } from './keystore-file.ts'

/** Most names that differ in case alone: each is one more decision. */
export const MAX_SPELLINGS = 4

/**
 * @param o.caller of who asks
 * @param o.aliasesOf names of the key's aliases; asked only when a condition does
 * @returns one, or more where encryption context or tags are ambiguous
 */
export function keyConditions(
  key: UsedKey,
  use: KeyUse,
  o: { caller: Conditions; aliasesOf: (key: UsedKey) => readonly string[] },
): readonly ConditionContext[] {
  const known = new Map([...o.caller, ...ofKey(key), ...ofUse(use)])
  const chosen = [
    ...[...(use.encryptionContext ?? [])].map(([name, value]): Named => [`kms:encryptioncontext:${name}`, value]),
    ...(key.tags ?? []).map((tag): Named => [`aws:resourcetag/${tag.key}`, tag.value]),
    ...requestTagsOf(use.requestTags),
  ]
  return spellingsOf(chosen).map((get) => ({
    get: (name) => get(name) ?? known.get(name) ?? (name === 'kms:resourcealiases' ? o.aliasesOf(key) : undefined),
  }))
}

/** As `keyConditions`, of a request that concerns no one key. */
export function accountConditions(
  known: Conditions,
  requestTags: readonly Tag[] | undefined,
): readonly ConditionContext[] {
  const all = new Map([...known, ...ofTags(requestTags)])
  return spellingsOf(requestTagsOf(requestTags)).map((get) => ({ get: (name) => get(name) ?? all.get(name) }))
}

/** How many of these names are the same but for their case, at most. */
export function countSpellings(names: Iterable<string>): number {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name.toLowerCase(), (counts.get(name.toLowerCase()) ?? 0) + 1)
  return Math.max(0, ...counts.values())
}

function ofKey({ account }: UsedKey): [string, string][] {
  return [...KEY_KIND, ['aws:resourceaccount', account]]
}

/** There is one kind of key here. */
export const KEY_KIND: readonly [string, string][] = [
  ['kms:keyspec', 'SYMMETRIC_DEFAULT'],
  ['kms:keyusage', 'ENCRYPT_DECRYPT'],
  ['kms:keyorigin', 'AWS_KMS'],
  ['kms:multiregion', 'false'],
]

function ofUse({ encryptionContext, requestAlias, requestTags, conditions = new Map() }: KeyUse): Conditions {
  const known = new Map<string, string | readonly string[]>([...conditions, ...ofTags(requestTags)])
  if (requestAlias !== undefined) known.set('kms:requestalias', requestAlias)
  if (encryptionContext !== undefined && encryptionContext.size > 0) {
    known.set('kms:encryptioncontextkeys', [...encryptionContext.keys()])
  }
  return known
}

function ofTags(tags: readonly Tag[] | undefined): [string, readonly string[]][] {
  return tags === undefined ? [] : [['aws:tagkeys', tags.map(({ key }) => key)]]
}

function requestTagsOf(tags: readonly Tag[] = []): Named[] {
  return tags.map(({ key, value }) => [`aws:requesttag/${key}`, value])
}

/** A condition key, in any case, and what it is. */
type Named = [name: string, value: string]

/** One look-up for each spelling: made once for all, since a context may have many pairs. */
function spellingsOf(named: readonly Named[]): readonly ((name: string) => string | undefined)[] {
  const values = new Map<string, string[]>()
  for (const [name, value] of named) {
    const known = values.get(name.toLowerCase())
    if (known === undefined) values.set(name.toLowerCase(), [value])
    else known.push(value)
  }
  const most = Math.max(1, countSpellings(named.map(([name]) => name)))
  return Array.from({ length: most }, (_, at) => (name) => {
    const all = values.get(name)
    return all?.[Math.min(at, all.length - 1)]
  })
}
