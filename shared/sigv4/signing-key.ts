/**
 * Derives signing keys, and remembers them: a key serves one secret, day, region and service, and
 * deriving it costs four HMACs.
 *
 * The cache is bounded and drops the key unused for longest. Its names are secret and scope, so that a
 * secret which changed never meets an old key. The process holds the secrets in clear anyway; digests for
 * names took 0.7 µs a request.
 *
 * Rules: AWS, "Create a signed AWS API request", step 4.
 */

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { credentialScope, type Scope, TERMINATOR } from './string-to-sign.ts'

export interface SigningKeys {
  obtain(secretAccessKey: string, scope: Scope): KeyObject
}

export function createSigningKeys(o: { capacity: number }): SigningKeys {
  const keys = new Map<string, KeyObject>()
  return {
    obtain(secretAccessKey, scope) {
      // The scope cannot hold a line feed, so no two pairs make the same text.
      const name = `${credentialScope(scope)}\n${secretAccessKey}`
      const known = keys.get(name)
      const key = known ?? deriveSigningKey(secretAccessKey, scope)
      // A Map keeps the order of insertion: deleting and setting again makes it an LRU list.
      if (known !== undefined) keys.delete(name)
      else if (keys.size >= o.capacity) dropOldest(keys)
      keys.set(name, key)
      return key
    },
  }
}

/** As a KeyObject: an HMAC with one took 1.2 µs against 8.2 µs with a Buffer (Node 24.21, 2 cores). */
export function deriveSigningKey(secretAccessKey: string, scope: Scope): KeyObject {
  let key: Buffer = Buffer.from(`AWS4${secretAccessKey}`)
  for (const part of [scope.scopeDate, scope.region, scope.service, TERMINATOR]) {
    const next = createHmac('sha256', key).update(part).digest()
    key.fill(0)
    key = next
  }
  const signingKey = createSecretKey(key)
  key.fill(0)
  return signingKey
}

function dropOldest(keys: Map<string, KeyObject>): void {
  const oldest = keys.keys().next()
  if (!oldest.done) keys.delete(oldest.value)
}
