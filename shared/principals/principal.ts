/** Who a request is made by, and what is known of it. */

import type { CompiledPolicy, NamedPolicy } from '#shared/policy'

export interface Principal {
  readonly kind: 'user' | 'root' | 'role-session' | 'service'
  /** As `User: … is not authorized` names it; of a service its name. */
  readonly arn: string
  /** 12 digits; `aws` for a service. */
  readonly account: string
  readonly userId: string
  /** Of a role session: whose policies it has. */
  readonly roleArn?: string
  readonly policies: readonly NamedPolicy[]
  /** Of a role session: what it may do at most. */
  readonly sessionPolicy?: CompiledPolicy
  /** Of a role session its role's and its own. */
  readonly tags: ReadonlyMap<string, string>
  /** Of a role session: who is behind it, as it was said when the first of its chain began. For `aws:SourceIdentity`. */
  readonly sourceIdentity?: string
  /** Of a role session: epoch seconds at which it began. For `aws:TokenIssueTime`, by which policies end sessions. */
  readonly tokenIssuedAt?: number
  /** For `aws:PrincipalOrgID`. */
  readonly organizationId?: string
  /** With AWS KMS: the role the broker takes on to ask for this principal's data keys. */
  readonly kmsRoleArn?: string
  /** Whose data keys it uses, and what is stored with its messages. */
  readonly publisher: string
  /**
   * Of its policies, tags, organization and role: the same in every process while they stay as they are,
   * another when one of them changes. A decision made under one version holds for no other.
   */
  readonly version: string
}

/** What AssumeRole needs to know. */
export interface Role {
  readonly arn: string
  readonly account: string
  /** `AROA…`; a session's user id is `<roleId>:<session name>`. */
  readonly roleId: string
  readonly trustPolicy: CompiledPolicy
  readonly policies: readonly NamedPolicy[]
  /** 3,600 to 43,200. */
  readonly maxSessionSeconds: number
  readonly tags: ReadonlyMap<string, string>
  readonly organizationId?: string
  readonly kmsRoleArn?: string
  /** As a principal's; the trust policy takes no part. */
  readonly version: string
}

/** Whose access key signed, and what it must have signed with. */
export interface Signer {
  readonly principal: Principal
  readonly secretAccessKey: string
}
