/** What the parts that decide leave for the audit line of the request they decide about. */

/** As `Decision` of the policy folder: who decided, never the text by which. */
export interface AuditedDecision {
  readonly allowed: boolean
  /** Why not: `explicit-deny`, `no-identity-allow` and so on. */
  readonly reason?: string
  readonly by?:
    | {
        /** `identity`, `resource`, `session`, `grant` or `root`. */
        readonly source: string
        /** Name of an identity policy. */
        readonly policy?: string | undefined
        readonly sid?: string | undefined
        /** Of the statement in its policy, from 0. */
        readonly index: number
      }
    | undefined
}

/**
 * One object a request. Where several things are decided the last one stands: a refusal ends the request, so that it
 * is the last one whenever there is one.
 */
export interface AuditNotes {
  /** ARN of what is acted on. */
  resource?: string | undefined
  decision?: AuditedDecision | undefined
}
