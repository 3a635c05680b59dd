/**
 * The base of every error this project throws on purpose.
 *
 * One subclass a cause, each with a stable `code`: alerts, tests and the wire table match on the
 * code, never on the text. A message says what could not be done and holds no body, key, signature
 * or token, since messages end in logs and in answers to callers.
 */

/** Who has to act, in SNS's terms: `sender` is the caller's to fix, `receiver` is ours. */
export type Fault = 'sender' | 'receiver'

export abstract class BrokerError extends Error {
  /** Upper snake case; stable over releases. */
  abstract readonly code: string
  abstract readonly fault: Fault
  /** Whether the same attempt may succeed later without anybody changing the request. */
  abstract readonly retryable: boolean

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}
