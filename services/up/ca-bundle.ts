/**
 * The roots a client should trust: the system's and ours. AWS_CA_BUNDLE and SSL_CERT_FILE replace a
 * client's trust rather than add to it, so a file with our CA alone would cut it off from everything else.
 */

import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'

/** Debian and Alpine; Fedora; SUSE; macOS and the BSDs. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

export function buildCaBundle(ownCertificatePem: string, systemBundles: readonly string[] = SYSTEM_BUNDLES): string {
  const roots = readFirst(systemBundles) ?? rootCertificates.join('\n')
  return `${roots.trimEnd()}\n${ownCertificatePem.trimEnd()}\n`
}

function readFirst(paths: readonly string[]): string | undefined {
  for (const path of paths) {
    try {
      const text = readFileSync(path, 'utf8')
      if (text.includes('BEGIN CERTIFICATE')) return text
    } catch {
      // Another system's place.
    }
  }
  return undefined
}
