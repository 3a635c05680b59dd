/**
 * What conditions of policies may ask about a request: of the key, of what is asked, and, from caller-conditions.ts, of who asks.
 *
 * Names are in lower case. An encryption context may hold two pairs whose names differ in case alone, while the names of
 * condition keys have no case: whoever may choose the context could let a condition see the one and use the other. So
 * there is a context for each of them, and a request must be allowed under all.
 */

import type { ConditionContext } from '#shared/policy'
import type { EncryptionContext } from './encryption-context.ts'
import type { Conditions, KeyUse, UsedKey } from './key-use.ts'

/**
 * @param o.caller of who asks
 * @param o.aliasesOf names of the key's aliases; asked only when a condition does
 * @returns one, or more where the encryption context is ambiguous
 */
export function keyConditions(
  key: UsedKey,
  use: KeyUse,
  o: { caller: Conditions; aliasesOf: (key: UsedKey) => readonly string[] },
): readonly ConditionContext[] {
  const known = new Map([...o.caller, ...ofKey(key), ...ofUse(use)])
  return encryptionContextsOf(use.encryptionContext).map((pairs) => ({
    get: (name) =>
      pairs.get(name) ?? known.get(name) ?? (name === 'kms:resourcealiases' ? o.aliasesOf(key) : undefined),
  }))
}

function ofKey({ account, tags = [] }: UsedKey): [string, string | readonly string[]][] {
  return [
    ...KEY_KIND,
    ['aws:resourceaccount', account],
    ...tags.map(({ key, value }): [string, string] => [`aws:resourcetag/${key.toLowerCase()}`, value]),
  ]
}

/** There is one kind of key here. */
export const KEY_KIND: readonly [string, string][] = [
  ['kms:keyspec', 'SYMMETRIC_DEFAULT'],
  ['kms:keyusage', 'ENCRYPT_DECRYPT'],
  ['kms:keyorigin', 'AWS_KMS'],
  ['kms:multiregion', 'false'],
]

function ofUse({ encryptionContext, requestAlias, conditions = new Map() }: KeyUse): Conditions {
  const known = new Map<string, string | readonly string[]>(conditions)
  if (requestAlias !== undefined) known.set('kms:requestalias', requestAlias)
  if (encryptionContext !== undefined && encryptionContext.size > 0) {
    known.set('kms:encryptioncontextkeys', [...encryptionContext.keys()])
  }
  return known
}

function encryptionContextsOf(context: EncryptionContext = new Map()): readonly ReadonlyMap<string, string>[] {
  const values = new Map<string, string[]>()
  for (const [name, value] of context) {
    const condition = `kms:encryptioncontext:${name.toLowerCase()}`
    values.set(condition, [...(values.get(condition) ?? []), value])
  }
  const most = Math.max(1, ...[...values.values()].map(({ length }) => length))
  return Array.from({ length: most }, (_, at) => {
    return new Map([...values].map(([condition, all]) => [condition, all[Math.min(at, all.length - 1)] ?? '']))
  })
}

/** What is asked about tags that a request brings. */
export function tagConditions(tags: readonly { key: string; value: string }[]): Conditions {
  return new Map<string, string | readonly string[]>([
    ['aws:tagkeys', tags.map(({ key }) => key)],
    ...tags.map(({ key, value }): [string, string] => [`aws:requesttag/${key.toLowerCase()}`, value]),
  ])
}
