/** The KMS as a process: crashes, restarts, a second instance, its end, TLS. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CreateKeyCommand,
  DecryptCommand,
  GenerateDataKeyCommand,
  KMSClient,
  ListKeysCommand,
  RotateKeyOnDemandCommand,
} from '@aws-sdk/client-kms'
import { createFakeClock } from '#shared/clock'
import { createCertificateAuthority, issueServerCertificate } from '#shared/pki'
import { startTestKms, type TestKms } from '#shared/test-kms'
import { enableRotation, scheduleDeletion } from './key-lifecycle.ts'
import { openKeyStore } from './key-store.ts'

/** Crashes in the test of durability; each in another moment of a write. */
const CRASHES = 24

suite('durability', () => {
  test(`every key of an answered CreateKey decrypts after each of ${CRASHES} kill -9`, {
    // Of 24 starts of a process, each of which may take a busy machine many seconds.
    timeout: 600_000,
  }, async (t) => {
    await using kms = await startTestKms()
    const answered: { keyId: string; blob: Uint8Array; plaintext: Uint8Array }[] = []
    for (let round = 0; round < CRASHES; round++) {
      const client = clientOf(kms, t)
      const first = Promise.withResolvers<void>()
      const creating = Array.from({ length: 3 }, async () => {
        for (;;) {
          const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
          const keyId = String(KeyMetadata?.KeyId)
          const entry = { keyId, blob: new Uint8Array(), plaintext: new Uint8Array() }
          // Acknowledged from here on, whether or not a data key comes of it.
          answered.push(entry)
          first.resolve()
          const generated = await client.send(new GenerateDataKeyCommand({ KeyId: keyId, KeySpec: 'AES_256' }))
          entry.blob = Uint8Array.from(generated.CiphertextBlob ?? [])
          entry.plaintext = Uint8Array.from(generated.Plaintext ?? [])
        }
      })
      const settled = Promise.allSettled(creating)
      // However long a busy machine takes for it: a crash that nothing was answered before shows nothing.
      await Promise.race([first.promise, settled])
      await delay(5 + ((round * 7) % 60))
      await kms.kill()
      await settled
      await kms.start()
    }
    assert.ok(answered.length >= CRASHES, `${answered.length} keys`)
    assert.deepEqual(
      kms.log.filter(({ event }) => event === 'keystore.backup-used'),
      [],
    )
    const client = clientOf(kms, t)
    for (const { keyId, blob, plaintext } of answered) {
      if (blob.byteLength === 0) {
        await client.send(new GenerateDataKeyCommand({ KeyId: keyId, KeySpec: 'AES_256' }))
      } else {
        assert.deepEqual(
          Uint8Array.from((await client.send(new DecryptCommand({ CiphertextBlob: blob }))).Plaintext ?? []),
          plaintext,
        )
      }
    }
    const left = (await readdir(join(kms.dir, 'kms'))).filter((name) => name.includes('.tmp.'))
    assert.deepEqual(left, [])
  })

  test('a restart keeps keys, and the lock of a killed process is taken over', async (t) => {
    await using kms = await startTestKms()
    const { KeyMetadata } = await clientOf(kms, t).send(new CreateKeyCommand({}))
    for (const end of [() => kms.stop(), () => kms.kill()]) {
      await end()
      await kms.start()
      await clientOf(kms, t).send(new GenerateDataKeyCommand({ KeyId: KeyMetadata?.KeyId, KeySpec: 'AES_256' }))
    }
  })
})

suite('start', () => {
  test('a wrong root key is named, and the store left as it was', async (t) => {
    await using kms = await startTestKms()
    const client = clientOf(kms, t)
    const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
    const KeyId = KeyMetadata?.KeyId
    const { CiphertextBlob } = await client.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }))
    await client.send(new RotateKeyOnDemandCommand({ KeyId }))
    await kms.stop()
    const dir = join(kms.dir, 'kms')
    const rootKey = join(dir, 'root.key')
    const right = await readFile(rootKey)
    const files = ['keystore.json', 'keystore.json.bak']
    const read = () => Promise.all(files.map((name) => readFile(join(dir, name))))
    const store = await read()
    await writeFile(rootKey, Buffer.alloc(32, 1).toString('base64'))
    await assert.rejects(kms.start(), { code: 'ROOT_KEY_WRONG' })
    await unlink(rootKey)
    await assert.rejects(kms.start(), { code: 'ROOT_KEY_MISSING' })
    assert.deepEqual(await read(), store)
    assert.deepEqual((await readdir(dir)).sort(), ['grants', ...files])
    await writeFile(rootKey, right, { mode: 0o600 })
    await kms.start()
    await client.send(new DecryptCommand({ CiphertextBlob }))
  })

  test('deletes and rotates what became due before it', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'sealcast-kms-due-'))
    t.after(() => rm(dir, { recursive: true }))
    const [deleted, rotated] = await keysOf2025(join(dir, 'kms'))
    await using kms = await startTestKms({ dir })
    const done = kms.log.filter(({ event }) => event === 'key.deleted' || event === 'key.rotated')
    assert.deepEqual(
      done.map(({ event, keyArn }) => [event, keyArn]),
      [
        ['key.rotated', rotated],
        ['key.deleted', deleted],
      ],
    )
    const { Keys } = await clientOf(kms, t).send(new ListKeysCommand({}))
    assert.deepEqual(
      Keys?.map(({ KeyArn }) => KeyArn),
      [rotated],
    )
  })

  test('a second process on the same directory refuses, and the first goes on', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'sealcast-kms-second-'))
    t.after(() => rm(dir, { recursive: true }))
    await using kms = await startTestKms({ dir })
    await assert.rejects(startTestKms({ dir }), { code: 'KEYSTORE_LOCKED' })
    await clientOf(kms, t).send(new CreateKeyCommand({}))
  })

  test('an address beyond loopback without TLS is refused', async () => {
    await assert.rejects(startTestKms({ env: { SEALCAST_KMS_HOST: '0.0.0.0' } }), { code: 'CONFIG_INVALID' })
  })

  test('a port that is taken is named', async () => {
    await using kms = await startTestKms()
    const { port } = new URL(kms.endpoint)
    await assert.rejects(startTestKms({ env: { SEALCAST_KMS_PORT: port } }), { code: 'EADDRINUSE' })
  })

  test('with a certificate it serves TLS only', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'sealcast-kms-tls-'))
    t.after(() => rm(dir, { recursive: true }))
    const now = Date.now()
    const authority = createCertificateAuthority({ commonName: 'Test CA', now })
    const { certificatePem, privateKeyPem } = issueServerCertificate({ authority, hosts: ['127.0.0.1'], now })
    const certificateFile = join(dir, 'cert.pem')
    const keyFile = join(dir, 'key.pem')
    await writeFile(certificateFile, certificatePem)
    await writeFile(keyFile, privateKeyPem, { mode: 0o600 })
    await using kms = await startTestKms({
      env: { SEALCAST_KMS_TLS_CERT_FILE: certificateFile, SEALCAST_KMS_TLS_KEY_FILE: keyFile },
    })
    const { port } = new URL(kms.endpoint)
    const sent = request({ host: '127.0.0.1', port, method: 'POST', ca: authority.certificatePem })
    sent.end('{}')
    const [response] = await once(sent, 'response')
    response.resume()
    assert.equal(response.statusCode, 400)
    await assert.rejects(fetch(kms.endpoint, { method: 'POST', body: '{}' }))
  })
})

suite('end', () => {
  test('SIGTERM and SIGINT end it in order, with the lock released', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      await using kms = await startTestKms()
      process.kill(kms.pid, signal)
      await gone(kms)
      assert.equal(kms.log.at(-1)?.event, 'kms.stopping')
      assert.ok(!(await readdir(join(kms.dir, 'kms'))).includes('keystore.lock'))
    }
  })

  test('a request under way when it is told to end is answered, and the connection closed', async () => {
    await using kms = await startTestKms()
    const socket = connect(Number(new URL(kms.endpoint).port), '127.0.0.1')
    const answers: string[] = []
    socket.on('data', (data) => answers.push(String(data)))
    // The first answer shows that the connection was taken; the second request is left half sent.
    socket.write(rawRequest('{}'))
    await once(socket, 'data')
    socket.write(rawRequest('{}').slice(0, -1))
    await delay(50)
    process.kill(kms.pid, 'SIGTERM')
    await kms.untilLogged((log) => log.find(({ event }) => event === 'kms.stopping'))
    assert.equal(answers.length, 1)
    socket.write('}')
    await once(socket, 'close')
    assert.match(String(answers.at(-1)), /^HTTP\/1.1 400 .*Connection: close.*MissingAuthenticationTokenException/s)
    await gone(kms)
  })
})

/** @returns a key that was to be deleted and one that was to be rotated long ago */
async function keysOf2025(dir: string): Promise<[string, string]> {
  const clock = createFakeClock(Date.UTC(2025, 0, 1))
  const place = { account: '000000000000', region: 'us-east-1', description: '' }
  await using store = await openKeyStore({ dir, clock, onEvent: () => undefined })
  const [deleted, rotated] = [await store.createKey(place), await store.createKey(place)]
  await store.changeKey(deleted.arn, (key, { now }) => scheduleDeletion(key, { now, windowDays: 7 }))
  await store.changeKey(rotated.arn, (key, { now }) => enableRotation(key, { now, periodDays: 90 }))
  return [deleted.arn, rotated.arn]
}

function rawRequest(body: string): string {
  return `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

/** Waits for an end that has begun. */
async function gone(kms: TestKms): Promise<void> {
  await kms.stop()
}

function clientOf(kms: TestKms, t: TestContext): KMSClient {
  const client = new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials: kms.user, maxAttempts: 1 })
  t.after(() => client.destroy())
  return client
}
