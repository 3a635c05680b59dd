/** Who wants what of which key: what authorize.ts decides about, and all that policies and grants may look at. */

import type { AuditNotes } from '#shared/audit'
import type { Subject } from '#shared/policy'
import type { EncryptionContext } from './encryption-context.ts'
import type { GrantTerms } from './grants/grant.ts'
import type { Place } from './key-identifier.ts'
import type { KmsKey, Tag } from './keystore-file.ts'

/** Condition keys, in lower case, and what they are in a request. */
export type Conditions = ReadonlyMap<string, string | readonly string[]>

/** The principal whose permissions count, and where bare key ids and aliases are looked up. */
export interface Caller extends Place {
  /** As refusals name it. */
  readonly arn: string
  readonly subject: Subject
  /** Whether SNS, which the broker is to the KMS, asks for the principal. */
  readonly viaService: boolean
  /** What conditions may ask about the caller and its request. */
  readonly conditions: Conditions
  /**
   * Whose permissions count for a key. `publisher`: both of GenerateDataKey and Decrypt are needed for either. `accepted`: it
   * is about a message that was accepted from the principal, and the key alone decides.
   */
  readonly rule: 'own' | 'publisher' | 'accepted'
  /** The principals file has it. */
  readonly isKnown: boolean
  /** Where authorize.ts leaves what it decided, for the request's audit line. */
  readonly notes?: AuditNotes
}

/** What is wanted of a key: all that a policy's conditions or a grant's constraints may look at. */
export interface KeyUse {
  /** The action that the caller needs on the key, without its `kms:`. */
  readonly permission: string
  /** Of operations that have one; empty when the caller sent none. */
  readonly encryptionContext?: EncryptionContext | undefined
  /** The alias by which the request names the key, with its `alias/`. */
  readonly requestAlias?: string | undefined
  /** Tags that the request brings. */
  readonly requestTags?: readonly Tag[] | undefined
  /** Condition keys that this action alone has. */
  readonly conditions?: Conditions | undefined
  /** CreateGrant: what is to be granted. */
  readonly grantTerms?: GrantTerms | undefined
  readonly grantTokens?: readonly string[] | undefined
}

/** A key, or what is known of one that does not exist. */
export type UsedKey = Pick<KmsKey, 'account' | 'arn'> & Partial<KmsKey>
