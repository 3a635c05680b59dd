/** What a request meets on purpose: an answer that was asked for, or none. */

/** KMS shall answer this. */
export class InjectedAnswerError extends Error {
  readonly response: { readonly status: number; readonly name: string; readonly body: Readonly<Record<string, string>> }

  constructor(response: InjectedAnswerError['response']) {
    super(`A fault was injected: ${response.name}`)
    this.response = response
  }
}

/** KMS shall not answer: the connection is cut when `released` is aborted, at once if it is already. */
export class InjectedSilenceError extends Error {
  readonly kind: 'reset' | 'hang'
  readonly released: AbortSignal

  constructor(kind: 'reset' | 'hang', released: AbortSignal) {
    super(`A fault was injected: ${kind}`)
    this.kind = kind
    this.released = released
  }
}
