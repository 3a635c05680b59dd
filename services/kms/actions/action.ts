/** What every action gets and gives, and the steps most of them share. */

import type { Caller } from '../authorize.ts'
import { authorizeKey } from '../authorize.ts'
import type { EncryptionContext } from '../encryption-context.ts'
import { NotFoundError } from '../errors.ts'
import { keyArnOf, parseKeyIdentifier } from '../key-identifier.ts'
import type { KeyStore, KmsKey } from '../key-store.ts'
import type { MemberReader } from '../members.ts'

export interface ActionRequest {
  readonly operation: string
  readonly caller: Caller
  readonly keyStore: KeyStore
  /** See members.ts: what is not read is refused. */
  readMembers<T>(read: (reader: MemberReader) => T): T
  /** Adds to the request's log line; never a plaintext or ciphertext. */
  note(fields: NotedFields): void
}

/** ReEncrypt alone has a source besides. */
export interface NotedFields {
  readonly keyArn?: string
  readonly encryptionContext?: EncryptionContext
  readonly sourceKeyArn?: string
  readonly sourceEncryptionContext?: EncryptionContext
}

/** The members of the answer; undefined: an empty body. */
type ActionResult = Readonly<Record<string, unknown>> | undefined

export type Action = (request: ActionRequest) => ActionResult | Promise<ActionResult>

/** Limits of KMS's model on everything that names a key. */
export const KEY_ID_RULES = { min: 1, max: 2048 } as const

/**
 * Finds the key that `identifier` names, if the caller may use it.
 *
 * @param o.aliases whether the operation takes aliases
 * @param o.permission the action that the caller needs on the key; absent: the operation's own
 * @param o.noteAs where the log line names the key
 * @throws {NotFoundError} when it names none
 * @throws {AccessDeniedError} when the caller may not, whether it exists or not
 */
export function resolveKey(
  identifier: string,
  request: ActionRequest,
  o: { aliases: boolean; permission?: string; noteAs?: 'keyArn' | 'sourceKeyArn' },
): KmsKey {
  const { caller, keyStore } = request
  const reference = parseKeyIdentifier(identifier, caller, o)
  const permission = o.permission ?? request.operation
  authorizeKey(caller, permission, reference)
  const arn = reference.kind === 'key' ? reference.arn : targetOf(reference.arn, keyStore)
  request.note({ [o.noteAs ?? 'keyArn']: arn })
  const key = keyStore.findKey(arn)
  if (key === undefined) throw new NotFoundError(`Key '${arn}' does not exist`)
  authorizeKey(caller, permission, key)
  return key
}

/** KMS's timestamps: seconds, with a fraction. */
export function toSeconds(epochMs: number): number {
  return epochMs / 1000
}

function targetOf(aliasArn: string, keyStore: KeyStore): string {
  const alias = keyStore.findAlias(aliasArn)
  if (alias === undefined) throw new NotFoundError(`Alias ${aliasArn} is not found.`)
  return keyArnOf(alias, alias.targetKeyId)
}
