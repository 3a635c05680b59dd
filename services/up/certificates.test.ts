import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { gatewayHosts, prepareCertificates } from './certificates.ts'
import { openDataDirectory } from './data-directory.ts'

const NOW = Date.UTC(2026, 0, 1)
const DAY_MS = 24 * 60 * 60 * 1000

suite('prepareCertificates()', () => {
  test('makes a CA and a gateway certificate for its hosts, keys for nobody else', (t) => {
    const { directory, prepare } = setup(t)
    assert.deepEqual(prepare(), ['CA', 'gateway certificate'])
    const certificate = new X509Certificate(readFileSync(directory.gatewayCertificate))
    assert.ok(certificate.checkHost('localhost') && certificate.checkIP('127.0.0.1') && certificate.checkIP('::1'))
    assert.ok(certificate.verify(new X509Certificate(readFileSync(directory.ca)).publicKey))
    for (const file of [directory.caKey, directory.gatewayKey]) assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.ok(readFileSync(directory.caBundle, 'utf8').includes(readFileSync(directory.ca, 'utf8').trim()))
  })

  test('leaves what is fresh alone', (t) => {
    const { prepare } = setup(t)
    prepare()
    assert.deepEqual(prepare({ now: NOW + 100 * DAY_MS }), [])
  })

  test('issues the gateway certificate again near its end and when a host is new', (t) => {
    const { prepare } = setup(t)
    prepare()
    assert.deepEqual(prepare({ now: NOW + 800 * DAY_MS }), ['gateway certificate'])
    assert.deepEqual(prepare({ now: NOW + 800 * DAY_MS, hosts: gatewayHosts('https://broker.example') }), [
      'gateway certificate',
    ])
  })

  test('makes everything again when the CA nears its end', (t) => {
    const { prepare } = setup(t)
    prepare()
    assert.deepEqual(prepare({ now: NOW + 3640 * DAY_MS }), ['CA', 'gateway certificate'])
  })

  test('makes a pair again whose key is not the certificate’s, as after a crash between the two', (t) => {
    const { directory, prepare } = setup(t)
    prepare()
    writeFileSync(directory.gatewayKey, readFileSync(directory.caKey))
    assert.deepEqual(prepare(), ['gateway certificate'])
    writeFileSync(directory.gatewayCertificate, 'cut sho')
    assert.deepEqual(prepare(), ['gateway certificate'])
  })
})

suite('gatewayHosts()', () => {
  test('are loopback and the host of the public URL', () => {
    assert.deepEqual(gatewayHosts('https://localhost:4443'), ['localhost', '127.0.0.1', '::1'])
    assert.deepEqual(gatewayHosts('https://[fd00::5]:1').at(-1), 'fd00::5')
    assert.deepEqual(gatewayHosts('https://broker.example').at(-1), 'broker.example')
  })
})

function setup(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), 'sealcast-certificates-'))
  t.after(() => rmSync(home, { recursive: true }))
  const directory = openDataDirectory(home)
  const prepare = ({ now = NOW, hosts = gatewayHosts('https://localhost') } = {}) =>
    prepareCertificates(directory, { hosts, now })
  return { directory, prepare }
}
