/**
 * The encryption context of a request, within what policies can be asked about in bounded time.
 *
 * KMS names no limit. Here one thread serves everybody, a condition may look at every pair, and each of two names that differ
 * in case alone is one more decision (key-conditions.ts).
 */

import type { EncryptionContext } from '../encryption-context.ts'
import { countSpellings, MAX_SPELLINGS } from '../key-conditions.ts'
import type { MemberReader } from '../members.ts'

/** 4,000 values of a policy, asked about each of so many names, take some 10 ms. */
export const MAX_PAIRS = 256

/** Of all names and values: a policy of 32 KB full of wildcards takes 14 s over one value of 200 KB. */
const MAX_CHARACTERS = 8192

export function readEncryptionContext(read: MemberReader, name = 'EncryptionContext'): EncryptionContext {
  const context = read.textMap(name)
  if (context.size > MAX_PAIRS) read.refuse(`${name} has more than ${MAX_PAIRS} pairs.`)
  else if (charactersOf(context) > MAX_CHARACTERS) read.refuse(`${name} has more than ${MAX_CHARACTERS} characters.`)
  else if (countSpellings(context.keys()) > MAX_SPELLINGS) {
    read.refuse(`${name} has more than ${MAX_SPELLINGS} names that differ in case alone.`)
  }
  return context
}

function charactersOf(context: EncryptionContext): number {
  let sum = 0
  for (const [name, value] of context) sum += name.length + value.length
  return sum
}
