import assert from 'node:assert/strict'
import { createPublicKey, sign, verify, X509Certificate } from 'node:crypto'
import { suite, test } from 'node:test'
import {
  createCertificateAuthority,
  createSigningCertificate,
  issueServerCertificate,
  signingCertificateId,
} from './index.ts'

const NOW = Date.UTC(2026, 0, 1)
// Made once: each RSA key costs a few hundred milliseconds.
const authority = createCertificateAuthority({ commonName: 'Sealcast test CA', now: NOW })
const other = createCertificateAuthority({ commonName: 'Sealcast test CA', now: NOW })
const hosts = ['localhost', '127.0.0.1', '::1', '*.broker.test']
const server = issueServerCertificate({ authority, hosts, now: NOW })
const signing = createSigningCertificate({ commonName: 'Sealcast signing', now: NOW })

suite('createCertificateAuthority()', () => {
  test('makes a certificate that is an authority for ten years and signs itself', () => {
    const certificate = new X509Certificate(authority.certificatePem)
    assert.equal(certificate.ca, true)
    assert.equal(certificate.subject, 'CN=Sealcast test CA')
    assert.equal(certificate.verify(certificate.publicKey), true)
    assert.equal(validDays(certificate), 3_650)
    assert.ok(certificate.validFromDate.getTime() < NOW)
  })

  test('returns the private key of the certificate, RSA-2048', () => {
    const certificate = new X509Certificate(authority.certificatePem)
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.modulusLength, 2_048)
    assert.equal(
      createPublicKey(authority.privateKeyPem).export({ type: 'spki', format: 'pem' }),
      certificate.publicKey.export({ type: 'spki', format: 'pem' }),
    )
  })

  test('refuses a common name that is empty or too long', () => {
    for (const commonName of ['', 'x'.repeat(65)]) {
      assert.throws(() => createCertificateAuthority({ commonName, now: NOW }), { code: 'CERTIFICATE_REQUEST_INVALID' })
    }
  })
})

suite('issueServerCertificate()', () => {
  test('names DNS names as such and addresses as such', () => {
    const certificate = new X509Certificate(server.certificatePem)
    assert.equal(
      certificate.subjectAltName,
      'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, DNS:*.broker.test',
    )
    assert.equal(certificate.checkHost('localhost'), 'localhost')
    assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1')
    assert.equal(certificate.checkHost('elsewhere.test'), undefined)
    assert.equal(certificate.checkIP('127.0.0.2'), undefined)
  })

  test('is signed by the authority given and by no other of the same name', () => {
    const certificate = new X509Certificate(server.certificatePem)
    assert.equal(certificate.verify(new X509Certificate(authority.certificatePem).publicKey), true)
    assert.equal(certificate.checkIssued(new X509Certificate(authority.certificatePem)), true)
    assert.equal(certificate.verify(new X509Certificate(other.certificatePem).publicKey), false)
    assert.equal(certificate.checkIssued(new X509Certificate(other.certificatePem)), false)
  })

  test('may serve TLS for 825 days and is no authority', () => {
    const certificate = new X509Certificate(server.certificatePem)
    assert.equal(certificate.ca, false)
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
    assert.equal(validDays(certificate), 825)
  })

  test('has a positive random serial number', () => {
    const serials = [server, authority, other].map((made) => new X509Certificate(made.certificatePem).serialNumber)
    for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/)
    assert.equal(new Set(serials).size, serials.length)
  })

  test('puts a first host too long for a common name into subjectAltName only', () => {
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.test`
    const certificate = new X509Certificate(
      issueServerCertificate({ authority, hosts: [long], now: NOW }).certificatePem,
    )
    assert.equal(certificate.checkHost(long), long)
  })

  test('refuses hosts that are neither DNS name nor address, and none at all', () => {
    const bad = [[], [''], ['a b'], ['a..b'], ['-a'], ['localhost', 'a/b'], ['a:1'], ['a'.repeat(64)], ['1.2.3.4\0']]
    for (const hosts of bad) {
      assert.throws(
        () => issueServerCertificate({ authority, hosts, now: NOW }),
        { code: 'CERTIFICATE_REQUEST_INVALID' },
        JSON.stringify(hosts),
      )
    }
  })

  test('refuses an authority that is none, without quoting what it was given', () => {
    const bad = [
      { ...authority, privateKeyPem: other.privateKeyPem },
      { ...authority, privateKeyPem: 'quoted-secret' },
      { ...authority, certificatePem: 'quoted-secret' },
      server,
    ]
    for (const authority of bad) {
      assert.throws(
        () => issueServerCertificate({ authority, hosts: ['localhost'], now: NOW }),
        (error: Error & { code?: string }) =>
          error.code === 'CERTIFICATE_REQUEST_INVALID' && !error.message.includes('quoted-secret'),
      )
    }
  })
})

suite('createSigningCertificate()', () => {
  test('has an id of 32 hex digits that its certificate decides', () => {
    assert.match(signing.id, /^[0-9a-f]{32}$/)
    assert.equal(signing.id, signingCertificateId(signing.certificatePem))
    const fingerprint = new X509Certificate(signing.certificatePem).fingerprint256.replaceAll(':', '').toLowerCase()
    assert.equal(signing.id, fingerprint.slice(0, 32))
  })

  test('verifies what its key signs, as SignatureVersion 1 and 2 need it', () => {
    const { publicKey } = new X509Certificate(signing.certificatePem)
    for (const digest of ['RSA-SHA1', 'RSA-SHA256']) {
      const signature = sign(digest, Buffer.from('text'), signing.privateKeyPem)
      assert.equal(verify(digest, Buffer.from('text'), publicKey, signature), true)
    }
  })
})

function validDays(certificate: X509Certificate): number {
  return (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 86_400_000
}
