/**
 * Every one-step mutation of a request, as an attacker on the way could make it, and once more signed anew, as the holder
 * of the secret could send it: the first shows what a signature covers, the second what it is not enough for.
 */

import { mutateBody, mutateHeaders, mutateMethod, mutatePath, mutateQuery } from './mutate-message.ts'
import {
  mutateAuthorization,
  mutateDate,
  mutatePresigned,
  mutateScope,
  mutateSessionToken,
  mutateSignatureText,
  mutateSignedHeaders,
} from './mutate-signature.ts'
import type { Mutation, Mutator } from './mutation.ts'
import { signatureOf } from './oracle.ts'
import { withField } from './signature-fields.ts'
import type { WireRequest } from './wire-request.ts'

const MUTATORS: Readonly<Record<string, Mutator>> = {
  'signed headers': mutateSignedHeaders,
  scope: mutateScope,
  signature: mutateSignatureText,
  date: mutateDate,
  authorization: mutateAuthorization,
  presigned: mutatePresigned,
  'session token': mutateSessionToken,
  headers: mutateHeaders,
  path: mutatePath,
  query: mutateQuery,
  body: mutateBody,
  method: mutateMethod,
}

/** Of each kind the mutations of it that really differ from the request. */
export function mutationsOf(wire: WireRequest): ReadonlyMap<string, readonly Mutation[]> {
  const original = JSON.stringify(wire)
  return new Map(
    Object.entries(MUTATORS).map(([kind, mutate]) => [
      kind,
      mutate(wire).filter(([, mutated]) => JSON.stringify(mutated) !== original),
    ]),
  )
}

/** The request with the signature that the SDK would give it as it is now, if any; claims stay as they are. */
export async function resigned(wire: WireRequest, secretAccessKey: string): Promise<WireRequest> {
  const signature = await signatureOf(wire, secretAccessKey)
  return signature === undefined ? wire : withField(wire, 'Signature', signature)
}
