/** What every action gets and gives, and the steps most of them share. */

import { authorizeKey, refuseUnknownKey } from '../authorize.ts'
import type { EncryptionContext } from '../encryption-context.ts'
import { NotFoundError } from '../errors.ts'
import { keyArnOf, parseKeyIdentifier } from '../key-identifier.ts'
import type { KeyStore, KmsKey } from '../key-store.ts'
import type { Caller, KeyUse } from '../key-use.ts'
import type { MemberReader } from '../members.ts'

export interface ActionRequest {
  readonly operation: string
  readonly caller: Caller
  readonly keyStore: KeyStore
  /** Whether there is a user or role of that ARN, or the role of that session. */
  readonly principalExists: (arn: string) => boolean
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

/** What `resolveKey` needs to know besides the key's name. */
export interface ResolveOptions extends Omit<KeyUse, 'permission' | 'requestAlias'> {
  /** Whether the operation takes aliases. */
  readonly aliases: boolean
  /** Absent: the operation's own. */
  readonly permission?: string
  /** Where the log line names the key. */
  readonly noteAs?: 'keyArn' | 'sourceKeyArn'
}

/**
 * Finds the key that `identifier` names, if the caller may use it so.
 *
 * @throws {NotFoundError} when it names none
 * @throws {AccessDeniedError} when the caller may not, whether it exists or not
 */
export function resolveKey(identifier: string, request: ActionRequest, o: ResolveOptions): KmsKey {
  const { caller, keyStore } = request
  const { aliases, permission = request.operation, noteAs = 'keyArn', ...asked } = o
  const reference = parseKeyIdentifier(identifier, caller, { aliases })
  const alias = reference.kind === 'alias' ? keyStore.findAlias(reference.arn) : undefined
  const arn = alias === undefined ? reference.arn : keyArnOf(alias, alias.targetKeyId)
  const key = keyStore.findKey(arn)
  if (key !== undefined) request.note({ [noteAs]: arn })
  const use = { ...asked, permission, requestAlias: alias?.name }
  if (key !== undefined) {
    authorizeKey(request, key, use, { named: reference.arn })
    return key
  }
  refuseUnknownKey(request, reference, use)
  throw new NotFoundError(reference.kind === 'alias' ? `Alias ${arn} is not found.` : `Key '${arn}' does not exist`)
}

/** KMS's timestamps: seconds, with a fraction. */
export function toSeconds(epochMs: number): number {
  return epochMs / 1000
}
