/** What statements are asked about: who makes the request, and what is known about it. */

/** The authenticated caller. There is no anonymous one: who did not authenticate is refused before. */
export interface Identity {
  readonly kind: 'user' | 'root' | 'role-session' | 'service'
  /** `arn:aws:iam::…:user/…`, `…:root`, `arn:aws:sts::…:assumed-role/<role>/<session>`, or a service's name. */
  readonly arn: string
  /** 12 digits; `aws` for a service. */
  readonly account: string
  /** Of a session: the role it is of, with its path. */
  readonly roleArn?: string | undefined
}

/** Condition keys of the request. A Map will do. */
export interface ConditionContext {
  /** @param key in lower case. An empty list counts as absent */
  get(key: string): string | readonly string[] | undefined
}
