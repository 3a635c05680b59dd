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

export function readEncryptionContext(read: MemberReader, name = 'EncryptionContext'): EncryptionContext {
  const context = read.textMap(name)
  if (context.size > MAX_PAIRS) read.refuse(`${name} has more than ${MAX_PAIRS} pairs.`)
  else if (countSpellings(context.keys()) > MAX_SPELLINGS) {
    read.refuse(`${name} has more than ${MAX_SPELLINGS} names that differ in case alone.`)
  }
  return context
}
