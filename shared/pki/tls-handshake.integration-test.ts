import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { connect, createServer } from 'node:tls'
import { type CertifiedKey, createCertificateAuthority, issueServerCertificate } from './index.ts'

const authority = createCertificateAuthority({ commonName: 'Sealcast test CA', now: Date.now() })
const other = createCertificateAuthority({ commonName: 'Sealcast test CA', now: Date.now() })
const server = issueServerCertificate({ authority, hosts: ['localhost', '127.0.0.1'], now: Date.now() })

suite('a TLS client that trusts only the authority', () => {
  test('accepts the server under each of its names', async () => {
    await using listening = await setup(server)
    for (const servername of ['localhost', undefined]) {
      assert.deepEqual(await listening.handshake({ ca: authority, servername }), { authorized: true })
    }
  })

  test('refuses the server under a name it does not have', async () => {
    await using listening = await setup(server)
    assert.deepEqual(await listening.handshake({ ca: authority, servername: 'elsewhere.test' }), {
      refused: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
  })

  test('refuses a server of another authority of the same name', async () => {
    await using listening = await setup(server)
    assert.ok('refused' in (await listening.handshake({ ca: other, servername: 'localhost' })))
  })

  test('refuses a certificate whose time is over, and one whose time has not come', async () => {
    for (const now of [Date.now() - 826 * 86_400_000, Date.now() + 86_400_000]) {
      await using listening = await setup(issueServerCertificate({ authority, hosts: ['localhost'], now }))
      const result = await listening.handshake({ ca: authority, servername: 'localhost' })
      assert.match('refused' in result ? result.refused : '', /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/)
    }
  })
})

suite('openssl', () => {
  test('verifies the chain strictly', async (t) => {
    if (spawnSync('openssl', ['version']).status !== 0) return t.skip('openssl is not installed')
    const dir = await mkdtemp(join(tmpdir(), 'sealcast-pki-'))
    try {
      const [ca, leaf] = [join(dir, 'ca.pem'), join(dir, 'server.pem')]
      await writeFile(ca, authority.certificatePem)
      await writeFile(leaf, server.certificatePem)
      const strict = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', ca]
      const verified = spawnSync('openssl', [...strict, '-verify_hostname', 'localhost', leaf], { encoding: 'utf8' })
      assert.equal(verified.status, 0, verified.stderr)
      const refused = spawnSync('openssl', [...strict, '-verify_hostname', 'elsewhere.test', leaf])
      assert.notEqual(refused.status, 0)
    } finally {
      await rm(dir, { recursive: true })
    }
  })
})

async function setup({ certificatePem, privateKeyPem }: CertifiedKey) {
  const listener = createServer({ cert: certificatePem, key: privateKeyPem }, (socket) => socket.end())
  // A client that refuses us resets the handshake; that is what these tests are about.
  listener.on('tlsClientError', () => {})
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  return {
    async handshake({ ca, servername }: { ca: CertifiedKey; servername: string | undefined }) {
      const name = servername === undefined ? {} : { servername }
      const socket = connect({ host: '127.0.0.1', port, ca: ca.certificatePem, ...name })
      try {
        await once(socket, 'secureConnect')
        return { authorized: socket.authorized }
      } catch (error) {
        return { refused: (error as NodeJS.ErrnoException).code ?? 'UNKNOWN' }
      } finally {
        socket.destroy()
      }
    },
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}
