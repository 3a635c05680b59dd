/**
 * What every certificate of ours has in common: key, serial number, validity, signature.
 *
 * Keys come from node:crypto, which generates RSA in a tenth of the time forge takes in JavaScript;
 * forge builds and signs the certificate, which node:crypto cannot. forge signs with SHA-1 unless
 * told otherwise, which TLS clients refuse, so the digest is fixed here.
 *
 * Touches no file and no clock. Profile: RFC 5280, 4.1 and 4.2.
 */

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import forge from 'node-forge'
import { CertificateRequestError } from './errors.ts'

export interface CertifiedKey {
  certificatePem: string
  /** PKCS #8. */
  privateKeyPem: string
}

const DAY_MS = 86_400_000
/** Certificates begin a little in the past, since the clocks of those who check them differ from ours. */
const BACKDATED_MS = 300_000
/** RFC 5280, appendix A.1: ub-common-name. */
const MAX_COMMON_NAME_LENGTH = 64

export interface CertificateOrder {
  commonName: string | undefined
  days: number
  now: number
  /** Signs the certificate; absent: it signs itself. */
  authority?: CertifiedKey
  /** As forge names them; key identifiers are added here. */
  extensions: readonly object[]
}

/** @throws {CertificateRequestError} when the common name does not fit or the authority cannot sign */
export function certify({ commonName, days, now, authority, extensions }: CertificateOrder): CertifiedKey {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  certificate.serialNumber = randomSerialNumber()
  certificate.validity.notBefore = new Date(now - BACKDATED_MS)
  certificate.validity.notAfter = new Date(now - BACKDATED_MS + days * DAY_MS)
  const subject = subjectOf(commonName)
  certificate.setSubject(subject)
  const issuer = authority === undefined ? undefined : readAuthority(authority)
  certificate.setIssuer(issuer === undefined ? subject : issuer.certificate.subject.attributes)
  const issuerKeyId = (issuer?.certificate ?? certificate).generateSubjectKeyIdentifier().getBytes()
  certificate.setExtensions([
    ...extensions,
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuerKeyId },
  ])
  certificate.sign(issuer?.privateKey ?? forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create())
  // forge ends lines with CRLF; the rest of the world's PEM files do not.
  return { certificatePem: forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n'), privateKeyPem: privateKey }
}

function readAuthority({ certificatePem, privateKeyPem }: CertifiedKey) {
  let authority: { certificate: forge.pki.Certificate; privateKey: forge.pki.rsa.PrivateKey }
  try {
    const certificate = forge.pki.certificateFromPem(certificatePem)
    authority = { certificate, privateKey: forge.pki.privateKeyFromPem(privateKeyPem) }
  } catch {
    // forge's message may quote what it read, which may be the private key.
    throw new CertificateRequestError('Cannot issue a certificate: the authority is not a certificate and its RSA key')
  }
  const { certificate, privateKey } = authority
  const publicKey = certificate.publicKey as forge.pki.rsa.PublicKey
  if (publicKey.n.compareTo(privateKey.n) !== 0) {
    throw new CertificateRequestError('Cannot issue a certificate: the private key is not that of the authority')
  }
  const constraints = certificate.getExtension('basicConstraints')
  if (constraints === undefined || constraints === null || !('cA' in constraints) || constraints.cA !== true) {
    throw new CertificateRequestError('Cannot issue a certificate: the authority is not allowed to')
  }
  return authority
}

function subjectOf(commonName: string | undefined): forge.pki.CertificateField[] {
  if (commonName === undefined) return []
  if (commonName === '' || commonName.length > MAX_COMMON_NAME_LENGTH) {
    throw new CertificateRequestError(
      `Cannot make a certificate: the common name must have 1 to ${MAX_COMMON_NAME_LENGTH} characters, it has ${commonName.length}`,
    )
  }
  // forge writes PrintableString unless told, which has no '@', '*' or '_'; its typing of the tag is too narrow.
  const utf8 = forge.asn1.Type.UTF8 as unknown as forge.asn1.Class
  return [{ name: 'commonName', value: commonName, valueTagClass: utf8 }]
}

/** 127 random bits: positive, never zero, one length. RFC 5280, 4.1.2.2 allows 20 bytes. */
function randomSerialNumber(): string {
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial.toString('hex')
}
