/**
 * What an endpoint's answer means: delivered, worth another attempt, or final.
 *
 * 2xx is success. 429, 5xx and everything that kept an answer from arriving (connection, TLS,
 * timeout) is tried again. Other answers are final: sources on SNS disagree about 3xx and 4xx, and
 * calling them delivered could hide a loss. Redirects are never followed, so 3xx is final too.
 */

/** What came of one request. Codes are upper snake case, from Node, TLS or the HTTP client. */
export type AttemptResult =
  | { kind: 'answered'; statusCode: number }
  | { kind: 'unanswered'; code: string }
  /** The request could not even be made: the endpoint is no URL that can be requested. */
  | { kind: 'unsendable'; code: string }

/** @property reason a code, bounded: it labels logs and is stored with a retry */
export type AttemptOutcome =
  | { kind: 'delivered' }
  | { kind: 'retryable'; reason: string }
  | { kind: 'permanent'; reason: string }

export function classifyOutcome(result: AttemptResult): AttemptOutcome {
  if (result.kind === 'unanswered') return { kind: 'retryable', reason: result.code }
  if (result.kind === 'unsendable') return { kind: 'permanent', reason: result.code }
  const { statusCode } = result
  if (statusCode >= 200 && statusCode < 300) return { kind: 'delivered' }
  const kind = statusCode === 429 || statusCode >= 500 ? 'retryable' : 'permanent'
  return { kind, reason: `HTTP_${statusCode}` }
}
