/**
 * The certificate whose key signs notifications and which subscribers download to check them.
 *
 * Self-signed: subscribers trust it because of the host they fetched it from, as with SNS. Its id is
 * in the URL, so it is derived from the certificate: two different ones never share an address.
 */

import { createHash, X509Certificate } from 'node:crypto'
import { type CertifiedKey, certify } from './certificate.ts'

const DAYS = 3_650
const ID_LENGTH = 32

/** @throws {CertificateRequestError} when the common name is empty or longer than 64 characters */
export function createSigningCertificate({
  commonName,
  now,
}: {
  commonName: string
  now: number
}): CertifiedKey & { id: string } {
  const certified = certify({
    commonName,
    days: DAYS,
    now,
    extensions: [
      { name: 'basicConstraints', critical: true, cA: false },
      { name: 'keyUsage', critical: true, digitalSignature: true },
    ],
  })
  return { ...certified, id: signingCertificateId(certified.certificatePem) }
}

/**
 * The first 32 hex digits of the SHA-256 of the certificate's DER.
 *
 * @throws what node:crypto throws for a text that is no certificate
 */
export function signingCertificateId(certificatePem: string): string {
  return createHash('sha256').update(new X509Certificate(certificatePem).raw).digest('hex').slice(0, ID_LENGTH)
}
