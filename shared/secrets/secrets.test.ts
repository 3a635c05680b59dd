import assert from 'node:assert/strict'
import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { createSigningCertificate } from '#shared/pki'
import {
  createMissingSecrets,
  readBrokerCredential,
  readRecordSecrets,
  readSigningCertificates,
  readSigningIdentity,
  readStsSecrets,
  readTokenSecrets,
} from './index.ts'

const NOW = Date.UTC(2026, 0, 1)
const FILES = ['record-mac.json', 'token.json', 'sts.json', 'broker-credential.json']

suite('createMissingSecrets()', () => {
  test('makes everything that the readers need, and names it', async () => {
    await using dir = await setup()
    const made = await createMissingSecrets(dir.path, { now: NOW })
    const { certificateId, privateKey } = await readSigningIdentity(dir.path)
    const signing = ['.cert.pem', '.key.pem'].map((end) => `signing/${certificateId}${end}`)
    assert.deepEqual(made, [...FILES, ...signing, 'signing/current'])
    for (const read of [readRecordSecrets, readTokenSecrets, readStsSecrets]) {
      const ring = await read(dir.path)
      assert.equal(ring.secretOf(ring.currentId)?.symmetricKeySize, 32)
    }
    const credential = await readBrokerCredential(dir.path)
    assert.match(credential.accessKeyId, /^SCBR[A-Z2-7]{16}$/)
    assert.equal(credential.secretAccessKey.length, 40)
    const certificate = new X509Certificate((await readSigningCertificates(dir.path)).get(certificateId) ?? '')
    assert.ok(createPublicKey(privateKey.export({ type: 'pkcs8', format: 'pem' })).equals(certificate.publicKey))
  })

  test('makes files of mode 0600 in directories of mode 0700, also in one that was open to others', async () => {
    await using dir = await setup()
    await mkdir(dir.path, { mode: 0o755 })
    await createMissingSecrets(dir.path, { now: NOW })
    for (const directory of [dir.path, join(dir.path, 'signing')]) {
      assert.equal((await stat(directory)).mode & 0o777, 0o700)
      for (const entry of await readdir(directory, { withFileTypes: true })) {
        if (entry.isFile()) assert.equal((await stat(join(directory, entry.name))).mode & 0o777, 0o600, entry.name)
      }
    }
  })

  test('makes nothing the second time and changes no byte', async () => {
    await using dir = await setup()
    await createMissingSecrets(dir.path, { now: NOW })
    const before = await dir.fingerprint()
    assert.deepEqual(await createMissingSecrets(dir.path, { now: NOW + 1 }), [])
    assert.equal(await dir.fingerprint(), before)
  })

  test('completes a half-made directory and leaves what is there, even if it is no secret', async () => {
    await using dir = await setup()
    await mkdir(dir.path)
    await writeFile(join(dir.path, 'token.json'), 'to be repaired by hand')
    const made = await createMissingSecrets(dir.path, { now: NOW })
    assert.deepEqual(
      made.filter((name) => FILES.includes(name)),
      ['record-mac.json', 'sts.json', 'broker-credential.json'],
    )
    assert.equal(await readFile(join(dir.path, 'token.json'), 'utf8'), 'to be repaired by hand')
  })

  test('completes a signing identity of which only `current` is missing', async () => {
    await using dir = await setup()
    await createMissingSecrets(dir.path, { now: NOW })
    const { certificateId } = await readSigningIdentity(dir.path)
    await rm(join(dir.path, 'signing/current'))
    assert.deepEqual(await createMissingSecrets(dir.path, { now: NOW }), ['signing/current'])
    assert.equal((await readSigningIdentity(dir.path)).certificateId, certificateId)
  })

  test('starts a new signing identity when only a certificate had been made, and keeps that', async () => {
    await using dir = await setup()
    await createMissingSecrets(dir.path, { now: NOW })
    const { certificateId } = await readSigningIdentity(dir.path)
    await rm(join(dir.path, 'signing/current'))
    await rm(join(dir.path, `signing/${certificateId}.key.pem`))
    await createMissingSecrets(dir.path, { now: NOW })
    assert.notEqual((await readSigningIdentity(dir.path)).certificateId, certificateId)
    assert.equal((await readSigningCertificates(dir.path)).size, 2)
  })

  test('does not hide the loss of the current signing key by making another', async () => {
    await using dir = await setup()
    await createMissingSecrets(dir.path, { now: NOW })
    const { certificateId } = await readSigningIdentity(dir.path)
    await rm(join(dir.path, `signing/${certificateId}.key.pem`))
    await assert.rejects(createMissingSecrets(dir.path, { now: NOW }), { code: 'SECRET_FILE_INVALID' })
  })

  test('agrees with another start at the same time', async () => {
    await using dir = await setup()
    const made = await Promise.all([1, 2, 3].map(() => createMissingSecrets(dir.path, { now: NOW })))
    for (const name of [...FILES, 'signing/current']) {
      assert.equal(made.flat().filter((other) => other === name).length, 1, name)
    }
    await readSigningIdentity(dir.path)
    assert.deepEqual(
      (await readdir(dir.path)).filter((name) => name.endsWith('.tmp')),
      [],
    )
  })
})

suite('the readers', () => {
  test('refuse a missing file', async () => {
    await using dir = await setup()
    for (const [name, read] of Object.entries(readers)) {
      await assert.rejects(read(dir.path), { code: 'SECRET_FILE_INVALID' }, name)
    }
  })

  test('refuse a secret that group or others may read or write', async () => {
    await using dir = await setup()
    await createMissingSecrets(dir.path, { now: NOW })
    const { certificateId } = await readSigningIdentity(dir.path)
    const secrets: [string, (dir: string) => Promise<unknown>][] = [
      ['record-mac.json', readRecordSecrets],
      ['token.json', readTokenSecrets],
      ['sts.json', readStsSecrets],
      ['broker-credential.json', readBrokerCredential],
      [`signing/${certificateId}.key.pem`, readSigningIdentity],
    ]
    for (const [name, read] of secrets) {
      for (const mode of [0o640, 0o604, 0o620, 0o602]) {
        await chmod(join(dir.path, name), mode)
        await assert.rejects(read(dir.path), { code: 'SECRET_FILE_INVALID' }, `${name} ${mode.toString(8)}`)
      }
      await chmod(join(dir.path, name), 0o400)
      await read(dir.path)
    }
  })

  test('accept a certificate that all may read, refuse one that others may write', async () => {
    await using dir = await setup()
    await createMissingSecrets(dir.path, { now: NOW })
    const { certificateId } = await readSigningIdentity(dir.path)
    const path = join(dir.path, `signing/${certificateId}.cert.pem`)
    await chmod(path, 0o644)
    assert.equal((await readSigningCertificates(dir.path)).size, 1)
    await chmod(path, 0o664)
    await assert.rejects(readSigningCertificates(dir.path), { code: 'SECRET_FILE_INVALID' })
  })

  test('follow symbolic links, as mounted secrets are', async () => {
    await using dir = await setup()
    await createMissingSecrets(dir.path, { now: NOW })
    await rename(join(dir.path, 'token.json'), join(dir.path, 'token.real'))
    await symlink('token.real', join(dir.path, 'token.json'))
    await readTokenSecrets(dir.path)
  })

  test('need only their own files', async () => {
    await using dir = await setup()
    await createMissingSecrets(dir.path, { now: NOW })
    const { certificateId } = await readSigningIdentity(dir.path)
    await rm(join(dir.path, `signing/${certificateId}.key.pem`))
    for (const name of FILES) await rm(join(dir.path, name))
    assert.equal((await readSigningCertificates(dir.path)).size, 1)
  })
})

suite('readRecordSecrets()', () => {
  test('reads several secrets, of which one is current', async () => {
    await using dir = await setup()
    const secrets = {
      '0000000a': Buffer.alloc(32, 1).toString('base64'),
      '0000000b': Buffer.alloc(32, 2).toString('base64'),
    }
    await dir.write('record-mac.json', JSON.stringify({ current: '0000000b', secrets }))
    const ring = await readRecordSecrets(dir.path)
    assert.equal(ring.currentId, '0000000b')
    assert.deepEqual(ring.secretOf('0000000a')?.export(), Buffer.alloc(32, 1))
  })

  test('refuses what has not the form, and never quotes it', async () => {
    await using dir = await setup()
    const good = Buffer.alloc(32, 1).toString('base64')
    const bad: [code: string, text: string][] = [
      ['DOCUMENT_INVALID', 'quoted-secret'],
      ['DOCUMENT_INVALID', '{}'],
      ['DOCUMENT_INVALID', JSON.stringify({ current: '0000000a', secrets: { '0000000a': 'quoted-secret' } })],
      ['DOCUMENT_INVALID', JSON.stringify({ current: '0000000a', secrets: { '0000000a': good.slice(4) } })],
      ['DOCUMENT_INVALID', JSON.stringify({ current: '0000000a', secrets: { '0000000a': good, 'not-an-id': good } })],
      ['DOCUMENT_INVALID', JSON.stringify({ current: '0000000a', secrets: { '0000000a': good }, more: 1 })],
      ['SECRET_FILE_INVALID', JSON.stringify({ current: '0000000b', secrets: { '0000000a': good } })],
    ]
    for (const [code, text] of bad) {
      await dir.write('record-mac.json', text)
      await assert.rejects(
        readRecordSecrets(dir.path),
        (error: Error & { code?: string }) =>
          error.code === code && !error.message.includes('quoted-secret') && !error.message.includes(good),
        text,
      )
    }
  })
})

suite('readBrokerCredential()', () => {
  test('refuses what has not the form', async () => {
    await using dir = await setup()
    for (const text of [
      '',
      '[]',
      '{"accessKeyId":"SCBRAAAAAAAAAAAAAAAA"}',
      '{"accessKeyId":"a/b","secretAccessKey":"0123456789abcdef"}',
    ]) {
      await dir.write('broker-credential.json', text)
      await assert.rejects(readBrokerCredential(dir.path), { code: 'DOCUMENT_INVALID' }, text)
    }
  })
})

suite('readSigningIdentity()', () => {
  test('refuses a `current` that is no id, so that it cannot lead to another directory', async () => {
    await using dir = await setup()
    for (const text of ['', '../../elsewhere', 'A'.repeat(32)]) {
      await dir.write('signing/current', text)
      await assert.rejects(readSigningIdentity(dir.path), { code: 'SECRET_FILE_INVALID' }, text)
    }
  })

  test('refuses a key that is not that of the certificate, no key, and a certificate of another name', async () => {
    await using dir = await setup()
    const mine = createSigningCertificate({ commonName: 'a', now: NOW })
    const other = createSigningCertificate({ commonName: 'a', now: NOW })
    const bad = [
      { cert: mine.certificatePem, key: other.privateKeyPem },
      { cert: mine.certificatePem, key: 'no key' },
      { cert: other.certificatePem, key: other.privateKeyPem },
      { cert: 'no certificate', key: mine.privateKeyPem },
    ]
    await dir.write('signing/current', mine.id)
    for (const { cert, key } of bad) {
      await dir.write(`signing/${mine.id}.cert.pem`, cert)
      await dir.write(`signing/${mine.id}.key.pem`, key)
      await assert.rejects(readSigningIdentity(dir.path), { code: 'SECRET_FILE_INVALID' })
    }
  })
})

suite('readSigningCertificates()', () => {
  test('returns old certificates too and no other file', async () => {
    await using dir = await setup()
    await createMissingSecrets(dir.path, { now: NOW })
    const old = createSigningCertificate({ commonName: 'a', now: NOW })
    await dir.write(`signing/${old.id}.cert.pem`, old.certificatePem)
    await dir.write('signing/notes.cert.pem', 'not named by an id')
    const certificates = await readSigningCertificates(dir.path)
    assert.equal(certificates.size, 2)
    assert.equal(certificates.get(old.id), old.certificatePem)
    for (const pem of certificates.values()) assert.ok(!pem.includes('PRIVATE'))
  })
})

const readers = {
  readRecordSecrets,
  readTokenSecrets,
  readStsSecrets,
  readBrokerCredential,
  readSigningIdentity,
  readSigningCertificates,
}

async function setup() {
  const parent = await mkdtemp(join(tmpdir(), 'sealcast-secrets-'))
  const path = join(parent, 'secrets')
  return {
    path,
    async write(name: string, text: string) {
      await mkdir(join(path, 'signing'), { recursive: true })
      await writeFile(join(path, name), text, { mode: 0o600 })
    },
    /** Of all names and contents. */
    async fingerprint() {
      const hash = createHash('sha256')
      const entries = await readdir(path, { withFileTypes: true, recursive: true })
      for (const entry of entries.filter((found) => found.isFile())) {
        hash.update(entry.name).update(await readFile(join(entry.parentPath, entry.name)))
      }
      return hash.digest('hex')
    },
    async [Symbol.asyncDispose]() {
      await rm(parent, { recursive: true })
    },
  }
}
