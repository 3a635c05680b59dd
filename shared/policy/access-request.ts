/** What a decision is made about: who wants to do what, to what, and what is known about the request. */

import type { CompiledPolicy } from './compiled-policy.ts'
import type { ConditionContext, Identity } from './identity.ts'

export interface NamedPolicy {
  readonly name: string
  readonly policy: CompiledPolicy
}

/** The caller, and the policies attached to it. */
export interface Subject extends Identity {
  readonly policies: readonly NamedPolicy[]
  readonly sessionPolicy?: CompiledPolicy | undefined
}

export interface AccessRequest {
  readonly subject: Subject
  /** As in `sns:Publish`, in any case. */
  readonly action: string
  /** An ARN, or `*` for an action that is on no resource. */
  readonly resource: string
  readonly resourceAccount: string
  readonly context: ConditionContext
}
