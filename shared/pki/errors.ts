import { BrokerError } from '#shared/errors'

/** A certificate cannot be made as it was ordered: a host that is neither DNS name nor IP, an authority that is none. */
export class CertificateRequestError extends BrokerError {
  override readonly code = 'CERTIFICATE_REQUEST_INVALID'
  override readonly fault = 'receiver'
  override readonly retryable = false
}
