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
  const { ca: certificateFile, caKey: keyFile, caBundle } = directory
  const { authority, isNew } = prepareAuthority({ certificateFile, keyFile, caBundle, now })
  const files = { certificateFile: directory.gatewayCertificate, keyFile: directory.gatewayKey }
  const isGatewayNew = prepareServerCertificate({ ...files, authority, hosts, now })
  return [...(isNew ? ['CA'] : []), ...(isGatewayNew ? ['gateway certificate'] : [])]
}

interface PairFiles {
  readonly certificateFile: string
  readonly keyFile: string
}

export function prepareAuthority(o: PairFiles & { caBundle: string; now: number }): {
  authority: CertifiedKey
  isNew: boolean
} {
  const found = readCertifiedKey(o)
  const isNew = found === undefined || !isFresh(found, o.now)
  const authority = isNew ? createCertificateAuthority({ commonName: 'Sealcast development CA', now: o.now }) : found
  if (isNew) writeCertifiedKey(o, authority)
  // Each time: the system's roots may have changed.
  replaceFile(o.caBundle, buildCaBundle(authority.certificatePem))
  return { authority, isNew }
}

/** @returns whether it had to be made */
export function prepareServerCertificate(
  o: PairFiles & { authority: CertifiedKey; hosts: readonly string[]; now: number },
): boolean {
  const { authority, hosts, now } = o
  const found = readCertifiedKey(o)
  if (found !== undefined && isFresh(found, now) && isFor(found, authority, hosts)) return false
  writeCertifiedKey(o, issueServerCertificate({ authority, hosts, now }))
  return true
}

/** What clients may call the gateway: loopback, and the host of the public URL. */
export function gatewayHosts(publicUrl: string): string[] {
  // An IPv6 address stands in brackets in a URL.
  const host = new URL(publicUrl).hostname.replace(/^\[(.*)\]$/, '$1')
  return [...new Set(['localhost', '127.0.0.1', '::1', host])]
}

function readCertifiedKey({ certificateFile, keyFile }: PairFiles): CertifiedKey | undefined {
  if (!existsSync(certificateFile) || !existsSync(keyFile)) return undefined
  return { certificatePem: readFileSync(certificateFile, 'utf8'), privateKeyPem: readFileSync(keyFile, 'utf8') }
}

/** The key first: a crash in between leaves a pair that does not match, and is made again. */
function writeCertifiedKey({ certificateFile, keyFile }: PairFiles, pair: CertifiedKey): void {
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
