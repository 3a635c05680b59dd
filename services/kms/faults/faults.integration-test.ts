/** The real KMS process, told to misbehave, and the real AWS SDK. */

import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { after, before, beforeEach, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  GenerateDataKeyCommand,
  KMSClient,
} from '@aws-sdk/client-kms'
import { startTestKms, type TestCredential, type TestKms } from '#shared/test-kms'

let kms: TestKms
let client: KMSClient
let keyArn: string

before(async () => {
  kms = await startTestKms()
  client = clientOf(kms.user)
  keyArn = (await client.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
  await client.send(new CreateAliasCommand({ AliasName: 'alias/f', TargetKeyId: keyArn.split('/')[1] }))
})
beforeEach(() => kms.faults.clear())
after(async () => {
  client.destroy()
  await kms[Symbol.asyncDispose]()
})

suite('an injected fault', () => {
  test('of throttling has KMS’s text, and lets burst and rate pass', async () => {
    await kms.faults.set({ throttling: [{ quota: 'symmetric', ratePerSecond: 50, burst: 10 }] })
    const startedAt = performance.now()
    const outcomes = await Promise.all(Array.from({ length: 60 }, () => outcomeOf(generate())))
    const seconds = (performance.now() - startedAt) / 1000
    const passed = outcomes.filter((outcome) => outcome === 'ok').length
    assert.ok(passed >= 10 && passed <= 10 + 50 * seconds + 1, `${passed} in ${seconds} s`)
    const [{ throttled } = { throttled: 0 }] = (await kms.faults.read()).throttling
    assert.equal(throttled, 60 - passed)
    await kms.faults.set({ throttling: [{ ratePerSecond: 0 }] })
    await assert.rejects(generate(), {
      name: 'ThrottlingException',
      message: 'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
    })
  })

  test('of a 500-class error is tried again by the SDK, and ends by its count', async () => {
    const patient = clientOf(kms.user, 3)
    await kms.faults.set({ faults: [{ kind: 'error', name: 'DependencyTimeoutException', requests: 2 }] })
    const { $metadata } = await patient.send(new GenerateDataKeyCommand({ KeyId: keyArn, KeySpec: 'AES_256' }))
    assert.equal($metadata.attempts, 3)
    patient.destroy()
  })

  for (const [name, status] of [
    ['KMSInternalException', 500],
    ['KeyUnavailableException', 500],
    ['ServiceUnavailable', 503],
    ['OptInRequired', 403],
    ['AccessDeniedException', 400],
    ['KMSInvalidStateException', 400],
  ] as const) {
    test(`of ${name} comes with status ${status}`, async () => {
      await kms.faults.set({ faults: [{ kind: 'error', name }] })
      const error = await generate().catch((thrown: unknown) => thrown)
      assert.equal(Object(error).name, name)
      assert.equal(Object(error).$metadata.httpStatusCode, status)
      assert.ok(Object(error).message.length > 10)
    })
  }

  test('of one key is met by its alias and by its ciphertext, and not by another key', async () => {
    const other = (await client.send(new CreateKeyCommand({}))).KeyMetadata?.KeyId
    const { CiphertextBlob } = await generate()
    await kms.faults.set({ faults: [{ kind: 'error', name: 'DisabledException', keyArn }] })
    const disabled = { name: 'DisabledException', message: `${keyArn} is disabled.` }
    await assert.rejects(generate(), disabled)
    await assert.rejects(generate('alias/f'), disabled)
    await assert.rejects(generate(keyArn.split('/')[1]), disabled)
    await assert.rejects(client.send(new DecryptCommand({ CiphertextBlob })), disabled)
    await generate(other)
  })

  test('of one caller is not met by another', async () => {
    const other = clientOf(await kms.addUser('arn:aws:iam::000000000000:user/unlucky'))
    await kms.faults.set({
      faults: [{ kind: 'error', name: 'AccessDeniedException', caller: 'arn:aws:iam::000000000000:user/unlucky' }],
    })
    await assert.rejects(other.send(new DescribeKeyCommand({ KeyId: keyArn })), { name: 'AccessDeniedException' })
    await client.send(new DescribeKeyCommand({ KeyId: keyArn }))
    other.destroy()
  })

  test('of latency delays the answer', async () => {
    await kms.faults.set({ faults: [{ kind: 'latency', ms: 300, requests: 1 }] })
    const startedAt = performance.now()
    await generate()
    assert.ok(performance.now() - startedAt >= 299)
  })

  test('of a reset cuts the connection', async () => {
    await kms.faults.set({ faults: [{ kind: 'reset' }] })
    await assert.rejects(generate(), { code: 'ECONNRESET' })
    assert.equal((await kms.served())['GenerateDataKey injected-reset'], 1)
  })

  test('of a hang holds requests until it is cleared, and leaves other operations alone', async () => {
    await kms.faults.set({ faults: [{ kind: 'hang', operations: ['GenerateDataKey'] }] })
    const hung = outcomeOf(generate())
    await client.send(new DescribeKeyCommand({ KeyId: keyArn }))
    while ((await kms.faults.read()).faults[0]?.met !== 1);
    await kms.faults.clear()
    assert.equal(await hung, 'ECONNRESET')
    await generate()
  })

  test('of latency ends when the faults are replaced: what waits goes on at once', async () => {
    await kms.faults.set({ faults: [{ kind: 'latency', ms: 600_000 }] })
    const waiting = outcomeOf(generate())
    while ((await kms.faults.read()).faults[0]?.met !== 1);
    await kms.faults.clear()
    assert.equal(await Promise.race([waiting, delay(5_000, 'waits', { ref: false })]), 'ok')
  })

  test('of a hang behind latency is cut off too when the faults are replaced meanwhile', async () => {
    await kms.faults.set({ faults: [{ kind: 'latency', ms: 600_000 }, { kind: 'hang' }] })
    const waiting = outcomeOf(generate())
    while ((await kms.faults.read()).faults[0]?.met !== 1);
    await kms.faults.clear()
    assert.equal(await Promise.race([waiting, delay(5_000, 'waits', { ref: false })]), 'ECONNRESET')
  })

  test('of latency does not hold up the end', async () => {
    await kms.faults.set({ faults: [{ kind: 'latency', ms: 600_000 }] })
    const waiting = outcomeOf(generate())
    while ((await kms.faults.read()).faults[0]?.met !== 1);
    await kms.stop()
    await waiting
    await kms.start()
    await generate()
  })

  test('is not there any more after a restart, and a hang does not hold up the end', async () => {
    await kms.faults.set({ faults: [{ kind: 'hang' }] })
    const hung = outcomeOf(generate())
    while ((await kms.faults.read()).faults[0]?.met !== 1);
    const startedAt = performance.now()
    await kms.stop()
    assert.ok(performance.now() - startedAt < 2_500)
    await hung
    await kms.start()
    await generate()
  })
})

suite('the admin port', () => {
  test('refuses a bad plan and keeps the one in force', async () => {
    await kms.faults.set({ faults: [{ kind: 'latency', ms: 1 }] })
    const answer = await ask({ method: 'PUT', body: '{"faults":[{"kind":"explode"}]}' })
    assert.deepEqual([answer.status, JSON.parse(answer.text).message.includes('faults.0')], [400, true])
    assert.deepEqual((await kms.faults.read()).faults, [{ kind: 'latency', ms: 1, met: 0 }])
  })

  test('refuses what a web page could send, other paths, other methods and bodies without end', async () => {
    const refusals = [
      { status: 415, method: 'PUT', body: '{}', headers: { 'content-type': 'text/plain' } },
      { status: 403, method: 'DELETE', headers: { host: 'rebound.example' } },
      { status: 404, method: 'GET', path: '/metrics' },
      { status: 405, method: 'PATCH' },
      { status: 413, method: 'POST', body: ' '.repeat(300 * 1024) },
    ]
    for (const { status, ...request } of refusals) assert.equal((await ask(request)).status, status, String(status))
  })

  test('is not there unless it is set', async () => {
    await using bare = await startTestKms({ env: { SEALCAST_KMS_ADMIN_PORT: '' } })
    const started = bare.log.find(({ event }) => event === 'kms.started')
    assert.ok(started && !('adminPort' in started))
  })
})

function clientOf(credentials: TestCredential, maxAttempts = 1): KMSClient {
  return new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials, maxAttempts })
}

function generate(keyId = keyArn) {
  return client.send(new GenerateDataKeyCommand({ KeyId: keyId, KeySpec: 'AES_256' }))
}

function outcomeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'ok',
    (error: unknown) => String(Object(error).code ?? Object(error).name),
  )
}

/** By hand, since fetch does not let a caller choose the host. */
function ask(o: { method: string; path?: string; body?: string; headers?: Record<string, string> }) {
  const { adminPort } = kms.log.findLast(({ event }) => event === 'kms.started') ?? {}
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const request = httpRequest({
      port: Number(adminPort),
      host: '127.0.0.1',
      path: o.path ?? '/faults',
      method: o.method,
      headers: { 'content-type': 'application/json', ...o.headers },
    })
    request.on('error', reject)
    request.on('response', async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode ?? 0, text })
    })
    request.end(o.body)
  })
}
