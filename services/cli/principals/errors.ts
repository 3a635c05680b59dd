/** How `sealcast principals` fails before it touches the principals file. */

import { BrokerError } from '#shared/errors'

/** A file that was named as a policy cannot be read. */
export class DocumentUnreadableError extends BrokerError {
  override readonly code = 'DOCUMENT_UNREADABLE'
  override readonly fault = 'sender'
  override readonly retryable = false
}
