/**
 * The development CA and the gateway's certificate: made when missing, and the latter again when it
 * nears its end, when the hosts it is for changed, or when the CA is not its issuer.
 */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { type CertifiedKey, createCertificateAuthority, issueServerCertificate } from '#shared/pki'
import { buildCaBundle } from './ca-bundle.ts'
import { type DataDirectory, replaceFile } from './data-directory.ts'

/** Longer than a development stack usually runs without a restart. */
const RENEW_BEFORE_MS = 60 * 24 * 60 * 60 * 1000

/** @returns what was made, for the progress line */
export function prepareCertificates(
  directory: DataDirectory,
  { hosts, now }: { hosts: readonly string[]; now: number },
): string[] {
  const made: string[] = []
  let authority = readCertifiedKey(directory.ca, directory.caKey)
  if (authority === undefined || !isFresh(authority, now)) {
    authority = createCertificateAuthority({ commonName: 'Sealcast development CA', now })
    writeCertifiedKey(directory.ca, directory.caKey, authority)
    made.push('CA')
  }
  const gateway = readCertifiedKey(directory.gatewayCertificate, directory.gatewayKey)
  if (gateway === undefined || !isFresh(gateway, now) || !isFor(gateway, authority, hosts)) {
    writeCertifiedKey(
      directory.gatewayCertificate,
      directory.gatewayKey,
      issueServerCertificate({ authority, hosts, now }),
    )
    made.push('gateway certificate')
  }
  // Each time: the system's roots may have changed.
  replaceFile(directory.caBundle, buildCaBundle(authority.certificatePem))
  return made
}

/** What clients may call the gateway: loopback, and the host of the public URL. */
export function gatewayHosts(publicUrl: string): string[] {
  // An IPv6 address stands in brackets in a URL.
  const host = new URL(publicUrl).hostname.replace(/^\[(.*)\]$/, '$1')
  return [...new Set(['localhost', '127.0.0.1', '::1', host])]
}

function readCertifiedKey(certificateFile: string, keyFile: string): CertifiedKey | undefined {
  if (!existsSync(certificateFile) || !existsSync(keyFile)) return undefined
  return { certificatePem: readFileSync(certificateFile, 'utf8'), privateKeyPem: readFileSync(keyFile, 'utf8') }
}

/** The key first: a crash in between leaves a pair that does not match, and is made again. */
function writeCertifiedKey(certificateFile: string, keyFile: string, pair: CertifiedKey): void {
  replaceFile(keyFile, pair.privateKeyPem)
  replaceFile(certificateFile, pair.certificatePem)
}

function isFresh(pair: CertifiedKey, now: number): boolean {
  const certificate = parse(pair)
  return certificate !== undefined && certificate.validToDate.getTime() - now > RENEW_BEFORE_MS
}

function isFor(pair: CertifiedKey, authority: CertifiedKey, hosts: readonly string[]): boolean {
  const certificate = parse(pair)
  const issuer = parse(authority)
  if (certificate === undefined || issuer === undefined || !certificate.verify(issuer.publicKey)) return false
  return hosts.every(
    (host) => (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined,
  )
}

/** @returns undefined when it cannot be read or the key is not the certificate's */
function parse({ certificatePem, privateKeyPem }: CertifiedKey): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(certificatePem)
    return certificate.checkPrivateKey(createPrivateKey(privateKeyPem)) ? certificate : undefined
  } catch {
    return undefined
  }
}
