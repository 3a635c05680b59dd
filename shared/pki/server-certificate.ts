/**
 * Certificates of TLS servers: the gateway's, the local KMS's, a demonstration subscriber's.
 *
 * Clients look at subjectAltName alone (RFC 9525), where an IP address must be of the IP kind: an
 * address written as a DNS name is refused by Node and others.
 */

import { isIP } from 'node:net'
import { type CertifiedKey, certify } from './certificate.ts'
import { CertificateRequestError } from './errors.ts'

/** The most that Apple's clients accept; others accept more. */
const DAYS = 825
/** RFC 1123 host name, with an optional wildcard as its first label. */
const DNS_NAME = /^(?:\*\.)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i
const MAX_DNS_NAME_LENGTH = 253
const DNS = 2
const IP = 7

/**
 * @param hosts DNS names or IP addresses, at least one; the first becomes the common name if short enough
 * @throws {CertificateRequestError} when a host is neither, none is given, or the authority cannot sign
 */
export function issueServerCertificate({
  authority,
  hosts,
  now,
}: {
  authority: CertifiedKey
  hosts: readonly string[]
  now: number
}): CertifiedKey {
  const [first] = hosts
  if (first === undefined) throw new CertificateRequestError('Cannot issue a server certificate: no host is named')
  const altNames = hosts.map(altNameOf)
  const commonName = first.length <= 64 ? first : undefined
  return certify({
    commonName,
    days: DAYS,
    now,
    authority,
    extensions: [
      { name: 'basicConstraints', critical: true, cA: false },
      { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
      { name: 'extKeyUsage', serverAuth: true },
      // Critical when the subject is empty: RFC 5280, 4.1.2.6.
      { name: 'subjectAltName', critical: commonName === undefined, altNames },
    ],
  })
}

function altNameOf(host: string): { type: number; value?: string; ip?: string } {
  if (isIP(host) !== 0) return { type: IP, ip: host }
  if (host.length > MAX_DNS_NAME_LENGTH || !DNS_NAME.test(host)) {
    throw new CertificateRequestError(
      `Cannot issue a server certificate: ${JSON.stringify(host)} is neither a DNS name nor an IP address`,
    )
  }
  return { type: DNS, value: host }
}
