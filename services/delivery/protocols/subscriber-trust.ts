/**
 * Whom deliveries over HTTPS trust: Node's roots, the system's, and those of the operator's file.
 *
 * Certificates are always checked; an endpoint with a private CA is reached by naming that CA. Made
 * once: parsing some three hundred certificates for each connection would cost more than the
 * connection.
 */

import { X509Certificate } from 'node:crypto'
import { createSecureContext, getCACertificates, rootCertificates, type SecureContext } from 'node:tls'
import { ConfigError } from '#shared/config'

/**
 * @param additionalPem PEM certificates on top of the roots
 * @throws {ConfigError} when they are none: TLS would take any text and trust nobody new
 */
export function createSubscriberTrust(additionalPem: string | undefined): SecureContext {
  const trusted = new Set([...rootCertificates, ...getCACertificates('system')])
  if (additionalPem !== undefined) for (const certificate of readCertificates(additionalPem)) trusted.add(certificate)
  return createSecureContext({ ca: [...trusted] })
}

function readCertificates(pem: string): string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw new ConfigError('Cannot start: SEALCAST_SUBSCRIBER_CA_FILE holds no certificate')
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block)
    } catch {
      throw new ConfigError(`Cannot start: certificate ${index + 1} of SEALCAST_SUBSCRIBER_CA_FILE cannot be read`)
    }
  }
  return blocks
}
