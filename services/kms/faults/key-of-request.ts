/**
 * Which key a request means, told before its action runs: by `KeyId` or `SourceKeyId`, else by its ciphertext.
 *
 * A guess for the sake of fault injection; it decides nothing else. What is wrong with the request is the action's to say.
 */

import { readBlobHeader } from '../ciphertext-blob.ts'
import { keyArnOf, type Place, parseKeyIdentifier } from '../key-identifier.ts'
import type { KeyStore } from '../key-store.ts'

/** @returns its ARN, whether such a key exists or not; undefined when the request means none */
export function keyOfRequest(body: Uint8Array, o: { caller: Place; keyStore: KeyStore }): string | undefined {
  try {
    const members: Record<string, unknown> = Object(JSON.parse(Buffer.from(body).toString('utf8')))
    const named = members.KeyId ?? members.SourceKeyId
    if (typeof named === 'string') return arnOf(named, o)
    if (typeof members.CiphertextBlob !== 'string') return undefined
    const { keyId } = readBlobHeader(Buffer.from(members.CiphertextBlob, 'base64'))
    return o.keyStore.findKeyById(keyId)?.arn
  } catch {
    return undefined
  }
}

function arnOf(identifier: string, { caller, keyStore }: { caller: Place; keyStore: KeyStore }): string | undefined {
  const reference = parseKeyIdentifier(identifier, caller, { aliases: true })
  if (reference.kind === 'key') return reference.arn
  const alias = keyStore.findAlias(reference.arn)
  return alias && keyArnOf(alias, alias.targetKeyId)
}
