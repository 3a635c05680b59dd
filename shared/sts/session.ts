/**
 * What a session token says: everything that a gateway or KMS must know of a session, as there is no other
 * record of it. The role's own policies are not in it: those of the principals file count, as they are at the
 * time of each request.
 */
export interface Session {
  /** `ASIA…`. */
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly roleArn: string
  /** `AROA…`: a role that was removed and made anew under the same name is another one. */
  readonly roleId: string
  readonly sessionName: string
  /** Epoch seconds; for `aws:TokenIssueTime`. Tokens of earlier builds have none. */
  readonly issuedAt?: number
  /** Epoch seconds of the first moment at which it is over. */
  readonly expiresAt: number
  /** Text of the policy that narrows what the role may do. */
  readonly sessionPolicy?: string
  /** The session's own and inherited tags; a session's win over the role's. */
  readonly tags: Readonly<Record<string, string>>
  /** Keys of the tags that sessions have which this one starts. */
  readonly transitiveTagKeys: readonly string[]
  readonly sourceIdentity?: string
}
