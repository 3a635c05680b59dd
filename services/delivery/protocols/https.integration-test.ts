import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { suite, test } from 'node:test'
import { readSettings } from '#shared/config'
import { readEndpointNetworks } from '#shared/endpoint-guard'
import { createCertificateAuthority, issueServerCertificate } from '#shared/pki'
import { parseHttpTarget } from './http-target.ts'
import { createHttpSender } from './https.ts'
import { createSubscriberTrust } from './subscriber-trust.ts'

const authority = createCertificateAuthority({ commonName: 'Test CA', now: Date.now() })
const stranger = createCertificateAuthority({ commonName: 'Stranger CA', now: Date.now() })
/** The servers of these tests are on this machine. */
const guard = {
  networks: readSettings({ SEALCAST_ENDPOINT_NETWORKS: 'loopback' }, readEndpointNetworks),
  onRefused: () => assert.fail('an address was refused'),
}

suite('createHttpSender()', () => {
  test('posts headers and body over TLS and reports the answer', async () => {
    await using endpoint = await setup((request, response) => {
      bodyOf(request).then((body) => {
        assert.equal(request.method, 'POST')
        assert.equal(request.url, '/hook?x=1')
        assert.equal(request.headers['x-amz-sns-message-type'], 'Notification')
        assert.equal(request.headers['content-length'], String(Buffer.byteLength('héllo')))
        response.writeHead(body === 'héllo' ? 202 : 500).end()
      })
    })
    const result = await endpoint.post('/hook?x=1', {
      headers: { 'x-amz-sns-message-type': 'Notification' },
      body: 'héllo',
    })
    assert.deepEqual(result, { kind: 'answered', statusCode: 202 })
  })

  test('speaks plain HTTP to http endpoints', async () => {
    await using endpoint = await setup((_request, response) => response.end(), { scheme: 'http' })
    assert.deepEqual(await endpoint.post('/'), { kind: 'answered', statusCode: 200 })
  })

  test('keeps the connection for the next delivery', async () => {
    await using endpoint = await setup((_request, response) => response.end('ok'))
    for (let n = 0; n < 10; n++) await endpoint.post('/')
    // The status is the answer: the next one may be sent while the last body is still being dropped.
    assert.ok(endpoint.connections() <= 2, `${endpoint.connections()} connections`)
  })

  test('does not follow a redirect', async () => {
    let requests = 0
    await using endpoint = await setup((_request, response) => {
      requests++
      response.writeHead(302, { location: '/elsewhere' }).end()
    })
    assert.deepEqual(await endpoint.post('/'), { kind: 'answered', statusCode: 302 })
    assert.equal(requests, 1)
  })

  test('refuses a certificate of a CA it does not know', async () => {
    let requests = 0
    await using endpoint = await setup(
      (_request, response) => {
        requests++
        response.end()
      },
      { trustedPem: stranger.certificatePem },
    )
    const result = await endpoint.post('/')
    assert.equal(result.kind, 'unanswered')
    assert.ok(result.kind === 'unanswered' && /CERT|SIGNATURE|ISSUER/.test(result.code), JSON.stringify(result))
    assert.equal(requests, 0)
  })

  test('refuses a certificate of another host', async () => {
    await using endpoint = await setup((_request, response) => response.end(), { hosts: ['example.com'] })
    assert.deepEqual(await endpoint.post('/'), { kind: 'unanswered', code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })

  test('reports a refused connection', async () => {
    let port: number
    {
      await using endpoint = await setup((_request, response) => response.end())
      port = endpoint.port
    }
    await using sender = createHttpSender({ ...guard, trust: createSubscriberTrust(undefined), timeoutMs: 5_000 })
    const target = parseHttpTarget(`https://127.0.0.1:${port}/`)
    assert.ok(target)
    assert.deepEqual(await sender.post({ target, headers: {}, body: 'x' }), {
      kind: 'unanswered',
      code: 'ECONNREFUSED',
    })
  })

  test('gives up on an endpoint that does not answer, in time and for good', async () => {
    const aborted = Promise.withResolvers<void>()
    await using endpoint = await setup((request) => request.on('close', () => aborted.resolve()), { timeoutMs: 200 })
    const startedAt = performance.now()
    assert.deepEqual(await endpoint.post('/'), { kind: 'unanswered', code: 'TIMEOUT' })
    assert.ok(performance.now() - startedAt < 2_000)
    await aborted.promise
  })

  test('counts connecting in the same time: a peer that never finishes TLS', async () => {
    const sockets: Socket[] = []
    await using silent = await listen(createTcpServer((socket) => void sockets.push(socket)))
    await using sender = createHttpSender({ ...guard, trust: createSubscriberTrust(undefined), timeoutMs: 200 })
    const target = parseHttpTarget(`https://127.0.0.1:${silent.port}/`)
    assert.ok(target)
    assert.deepEqual(await sender.post({ target, headers: {}, body: 'x' }), { kind: 'unanswered', code: 'TIMEOUT' })
    for (const socket of sockets) socket.destroy()
  })

  test('takes the status for the answer however the body ends', async () => {
    await using endpoint = await setup((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('x', () => response.destroy())
    })
    assert.deepEqual(await endpoint.post('/'), { kind: 'answered', statusCode: 200 })
  })

  test('drops a connection whose response body has no end', async () => {
    const closed = Promise.withResolvers<void>()
    await using endpoint = await setup((_request, response) => {
      response.on('close', () => closed.resolve())
      const feed = () => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384)));
        if (!response.destroyed) response.once('drain', feed)
      }
      feed()
    })
    assert.deepEqual(await endpoint.post('/'), { kind: 'answered', statusCode: 200 })
    await closed.promise
  })

  test('refuses response headers beyond the limit', async () => {
    await using endpoint = await setup((_request, response) => {
      response.writeHead(200, { 'x-long': 'a'.repeat(20_000) }).end()
    })
    assert.equal((await endpoint.post('/')).kind, 'unanswered')
  })

  test('says for good that a header cannot be sent', async () => {
    await using endpoint = await setup((_request, response) => response.end())
    const result = await endpoint.post('/', { headers: { 'content-type': 'text/plain\r\nx: y' } })
    assert.deepEqual(result, { kind: 'unsendable', code: 'UND_ERR_INVALID_ARG' })
    assert.deepEqual(await endpoint.post('/'), { kind: 'answered', statusCode: 200 })
  })

  test('reports a connection that breaks before the answer', async () => {
    await using endpoint = await setup((request) => request.socket.destroy())
    assert.equal((await endpoint.post('/')).kind, 'unanswered')
  })

  test('shows credentials only to an endpoint that asks for Basic', async () => {
    const seen: (string | undefined)[] = []
    await using endpoint = await setup((request, response) => {
      seen.push(request.headers.authorization)
      const authorized = request.headers.authorization === `Basic ${Buffer.from('user:pw').toString('base64')}`
      if (authorized) response.end()
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="hooks"' }).end('who are you?')
    })
    assert.deepEqual(await endpoint.post('/', { credentials: 'user:pw' }), { kind: 'answered', statusCode: 200 })
    assert.deepEqual(seen, [undefined, `Basic ${Buffer.from('user:pw').toString('base64')}`])
  })

  test('answers one challenge an attempt', async () => {
    let requests = 0
    await using endpoint = await setup((_request, response) => {
      requests++
      response.writeHead(401, { 'www-authenticate': 'Basic realm="hooks"' }).end()
    })
    assert.deepEqual(await endpoint.post('/', { credentials: 'user:wrong' }), { kind: 'answered', statusCode: 401 })
    assert.equal(requests, 2)
  })

  for (const challenge of ['Digest realm="basic", nonce="x"', 'Bearer', undefined]) {
    test(`keeps credentials to itself when asked with ${challenge ?? 'no challenge'}`, async () => {
      const seen: (string | undefined)[] = []
      await using endpoint = await setup((request, response) => {
        seen.push(request.headers.authorization)
        response.writeHead(401, challenge === undefined ? {} : { 'www-authenticate': challenge }).end()
      })
      assert.deepEqual(await endpoint.post('/', { credentials: 'user:pw' }), { kind: 'answered', statusCode: 401 })
      assert.deepEqual(seen, [undefined])
    })
  }
})

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

async function listen(server: Server) {
  let connections = 0
  server.on('connection', () => connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function') {
        server.closeAllConnections()
      }
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function setup(
  listener: RequestListener,
  {
    scheme = 'https',
    hosts = ['127.0.0.1'],
    trustedPem = authority.certificatePem,
    timeoutMs = 10_000,
  }: { scheme?: 'http' | 'https'; hosts?: string[]; trustedPem?: string; timeoutMs?: number } = {},
) {
  const certified = issueServerCertificate({ authority, hosts, now: Date.now() })
  const server = await listen(
    scheme === 'http'
      ? createHttpServer(listener)
      : createHttpsServer({ cert: certified.certificatePem, key: certified.privateKeyPem }, listener),
  )
  const sender = createHttpSender({ ...guard, trust: createSubscriberTrust(trustedPem), timeoutMs })
  return {
    port: server.port,
    connections: server.connections,
    post(
      path: string,
      {
        headers = {},
        body = 'x',
        credentials,
      }: { headers?: Record<string, string>; body?: string; credentials?: string } = {},
    ) {
      const login = credentials === undefined ? '' : `${credentials}@`
      const target = parseHttpTarget(`${scheme}://${login}127.0.0.1:${server.port}${path}`)
      assert.ok(target)
      return sender.post({ target, headers, body })
    },
    async [Symbol.asyncDispose]() {
      await sender[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}
