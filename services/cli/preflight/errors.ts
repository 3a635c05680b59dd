/** How `sealcast preflight` ends other than well. */

import { BrokerError } from '#shared/errors'

/** The report is printed; scripts read its verdict from the exit code. */
export class VerdictError extends Error {
  override readonly name = 'VerdictError'
  readonly exitCode: number

  constructor(exitCode: number) {
    super('not allowed throughout')
    this.exitCode = exitCode
  }
}

/** What was asked about is not there, so that nothing can be said about it. */
export class PreflightImpossibleError extends BrokerError {
  override readonly code = 'PREFLIGHT_IMPOSSIBLE'
  override readonly fault = 'sender'
  override readonly retryable = false
}
