/**
 * Whom deliveries over HTTPS trust: Node's roots, the system's, and those of the operator's file.
 *
 * Certificates are always checked; an endpoint with a private CA is reached by naming that CA. Made
 * once: parsing some three hundred certificates for each connection would cost more than the
 * connection.
 */

import { createSecureContext, getCACertificates, rootCertificates, type SecureContext } from 'node:tls'

/** @param additionalPem PEM certificates on top of the roots */
export function createSubscriberTrust(additionalPem: string | undefined): SecureContext {
  const trusted = new Set([...rootCertificates, ...getCACertificates('system')])
  if (additionalPem !== undefined) trusted.add(additionalPem)
  return createSecureContext({ ca: [...trusted] })
}
