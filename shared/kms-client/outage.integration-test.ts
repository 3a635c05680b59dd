/** The client against servers that fail in every way a KMS can. Loopback only. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { createKmsClient, type KmsRequestObserver } from './index.ts'

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:orders'
const KEY_ARN = 'arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const DEADLINE_MS = 400
/** For what does not wait for a deadline: making fifty clients takes a busy machine longer than the one above. */
const PATIENT_MS = 60_000

suite('a call', () => {
  test('fails within its deadline when KMS never answers', async (t) => {
    const { generate, observed, settled } = await setup(t, () => undefined)
    const startedAt = performance.now()
    await rejects(generate(), 'KMS_UNAVAILABLE')
    assert.ok(performance.now() - startedAt < DEADLINE_MS + 200)
    await settled()
    assert.ok(observed.length > 0 && observed.every(({ outcome }) => outcome === 'KMS_UNAVAILABLE'))
  })

  test('fails within its deadline when KMS begins an answer and stops', async (t) => {
    const { generate } = await setup(t, (_request, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('{"Ciphertext')
    })
    const startedAt = performance.now()
    await rejects(generate(), 'KMS_UNAVAILABLE')
    assert.ok(performance.now() - startedAt < DEADLINE_MS + 200)
  })

  test('fails within its deadline while the SDK waits after a throttled attempt, and says so', async (t) => {
    const { generate } = await setup(t, (_request, response) => {
      response.setHeader('retry-after', '1')
      refuse(response, 400, 'ThrottlingException')
    })
    const startedAt = performance.now()
    await rejects(generate(), 'KMS_THROTTLING')
    assert.ok(performance.now() - startedAt < DEADLINE_MS + 200)
  })

  test('fails when nobody listens', async () => {
    const server = createTcpServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    const { generate } = clientOf(`http://127.0.0.1:${port}`)
    await rejects(generate(), 'KMS_UNAVAILABLE')
  })

  test('fails when the connection is cut', async (t) => {
    const { generate } = await setup(t, (request) => request.socket.destroy())
    await rejects(generate(), 'KMS_UNAVAILABLE')
  })

  test('is tried again once after a server fault, and both requests are observed', async (t) => {
    let attempts = 0
    const { generate, observed, settled } = await setup(t, (_request, response) => {
      attempts += 1
      if (attempts === 1) refuse(response, 500, 'KMSInternalException')
      else response.end(answer({}))
    })
    assert.equal((await generate()).keyArn, KEY_ARN)
    await settled()
    assert.deepEqual(
      observed.map(({ outcome }) => outcome),
      ['KMS_UNAVAILABLE', 'ok'],
    )
  })

  test('fails after a second server fault', async (t) => {
    for (const name of ['KMSInternalException', 'DependencyTimeoutException', 'KeyUnavailableException']) {
      const { generate, observed, settled } = await setup(t, (_request, response) => refuse(response, 500, name))
      const error = await rejects(generate(), 'KMS_UNAVAILABLE')
      assert.match(error.message, new RegExp(`Status Code: 500; Error Code: ${name}`))
      await settled()
      assert.equal(observed.length, 2)
    }
  })

  test('is not tried again after a refusal', async (t) => {
    const { generate, observed, settled } = await setup(t, (_request, response) =>
      refuse(response, 400, 'KMSInvalidStateException'),
    )
    await rejects(generate(), 'KMS_INVALID_STATE')
    await settled()
    assert.equal(observed.length, 1)
  })

  test('fails on an answer that is no JSON', async (t) => {
    const { generate } = await setup(t, (_request, response) => response.writeHead(502).end('<html>secret</html>'))
    assert.ok(!(await rejects(generate(), 'KMS_UNAVAILABLE')).message.includes('secret'))
  })
})

suite('an answer', () => {
  for (const [what, members] of [
    ['for another key', { KeyId: KEY_ARN.replace('1234abcd', '00000000') }],
    ['for no key', { KeyId: undefined }],
    ['with a short data key', { Plaintext: Buffer.alloc(16).toString('base64') }],
    ['without a data key', { Plaintext: undefined }],
    ['without a ciphertext', { CiphertextBlob: undefined }],
    ['with an empty ciphertext', { CiphertextBlob: '' }],
    ['with a ciphertext longer than any of KMS', { CiphertextBlob: Buffer.alloc(6145).toString('base64') }],
  ] as const) {
    test(`${what} is refused, and observed as such`, async (t) => {
      const { generate, observed, settled } = await setup(t, (_request, response) => response.end(answer(members)))
      await rejects(generate(), 'KMS_INTEGRITY')
      await settled()
      assert.deepEqual(
        observed.map(({ outcome }) => outcome),
        ['KMS_INTEGRITY'],
      )
    })
  }

  test("to an alias must be a key of the alias's account and region", async (t) => {
    const { generate } = await setup(t, (_request, response) => response.end(answer({})))
    await generate('alias/a')
    await rejects(generate('arn:aws:kms:us-east-1:444455556666:alias/a'), 'KMS_INTEGRITY')
  })

  test('to Decrypt must be of the expected key and of 32 bytes', async (t) => {
    const members: Record<string, unknown> = {}
    const { client, ask } = await setup(t, (_request, response) => response.end(answer(members)))
    const decrypt = () => client.decrypt({ ...ask, encryptedDataKey: Buffer.alloc(128), keyArn: KEY_ARN })
    assert.equal((await decrypt()).byteLength, 32)
    members.KeyId = KEY_ARN.replace('1234abcd', '00000000')
    await rejects(decrypt(), 'KMS_INTEGRITY')
    members.KeyId = KEY_ARN
    members.Plaintext = Buffer.alloc(33).toString('base64')
    await rejects(decrypt(), 'KMS_INTEGRITY')
  })
})

suite('a request', () => {
  test('signs the on-behalf-of header and carries context, key and key spec', async (t) => {
    const seen: { headers: IncomingMessage['headers']; body: string }[] = []
    const { generate } = await setup(t, async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      seen.push({ headers: request.headers, body })
      response.end(answer({}))
    })
    await generate()
    assert.equal(seen[0]?.headers['x-sealcast-on-behalf-of'], 'arn:aws:iam::000000000000:user/ada')
    const { authorization } = seen[0]?.headers ?? {}
    assert.match(String(authorization), /SignedHeaders=[^,]*\bx-sealcast-on-behalf-of\b/)
    assert.match(String(authorization), /\/us-east-1\/kms\/aws4_request/)
    assert.deepEqual(JSON.parse(String(seen[0]?.body)), {
      KeyId: KEY_ARN,
      KeySpec: 'AES_256',
      EncryptionContext: { 'aws:sns:topicArn': TOPIC },
    })
  })
})

suite('calls in many regions', () => {
  test('share their sockets, each signed for its own region', async (t) => {
    const sockets = new Set<unknown>()
    const regions: (string | undefined)[] = []
    const { client, ask } = await setup(t, (request, response) => {
      sockets.add(request.socket)
      regions.push(/\/([^/]+)\/kms\/aws4_request/.exec(String(request.headers.authorization))?.[1])
      refuse(response, 400, 'NotFoundException')
    })
    const asked = Array.from({ length: 100 }, (_, n) => `region-${n}`)
    for (const region of asked) {
      const topicArn = TOPIC.replace('us-east-1', region)
      await rejects(client.generateDataKey({ ...ask, topicArn, keyId: 'alias/a' }), 'KMS_NOT_FOUND')
    }
    assert.deepEqual(regions, asked)
    assert.equal(sockets.size, 1)
  })

  test('do not disturb one that is under way', async (t) => {
    const waiting = Promise.withResolvers<void>()
    const { client, ask, generate } = await setup(
      t,
      async (request, response) => {
        if (!String(request.headers.authorization).includes('/us-east-1/')) {
          refuse(response, 400, 'NotFoundException')
          return
        }
        await waiting.promise
        response.end(answer({}))
      },
      PATIENT_MS,
    )
    const underWay = generate()
    const others = Array.from({ length: 50 }, (_, n) => {
      const topicArn = TOPIC.replace('us-east-1', `region-${n}`)
      return rejects(client.generateDataKey({ ...ask, topicArn, keyId: 'alias/a' }), 'KMS_NOT_FOUND')
    })
    await Promise.all(others.slice(0, 40))
    waiting.resolve()
    assert.equal((await underWay).keyArn, KEY_ARN)
    await Promise.all(others)
  })
})

function answer(members: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    KeyId: KEY_ARN,
    Plaintext: Buffer.alloc(32, 5).toString('base64'),
    CiphertextBlob: Buffer.alloc(128, 6).toString('base64'),
    ...members,
  })
}

function refuse(response: ServerResponse, status: number, name: string): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
  response.end(JSON.stringify({ __type: name, message: 'text' }))
}

async function rejects(promise: Promise<unknown>, code: string): Promise<Error> {
  const error = await promise.then(
    () => assert.fail('it was served'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Error && 'code' in error)
  assert.equal(error.code, code, error.message)
  assert.equal(error.cause, undefined)
  return error
}

function clientOf(endpoint: string, deadlineMs = DEADLINE_MS) {
  const observed: Parameters<KmsRequestObserver>[0][] = []
  const client = createKmsClient({
    endpoint,
    credential: { accessKeyId: 'SCBRTEST000000000000', secretAccessKey: 'x'.repeat(40) },
    observe: (request) => observed.push(request),
    connectTimeoutMs: deadlineMs / 2,
    deadlineMs,
  })
  const ask = { topicArn: TOPIC, principal: 'arn:aws:iam::000000000000:user/ada', purpose: 'issue' as const }
  return {
    client,
    ask,
    observed,
    generate: (keyId = KEY_ARN) => client.generateDataKey({ ...ask, keyId }),
    /** A call is observed when its last request has ended, which may be after the caller was answered. */
    async settled() {
      while (observed.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    },
  }
}

async function setup(
  t: TestContext,
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
  deadlineMs = DEADLINE_MS,
) {
  const server = createServer(handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const fixture = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, deadlineMs)
  t.after(async () => {
    await fixture.client[Symbol.asyncDispose]()
    server.closeAllConnections()
    server.close()
  })
  return fixture
}
