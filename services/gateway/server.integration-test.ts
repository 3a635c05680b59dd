import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { createCertificateAuthority, issueServerCertificate } from '#shared/pki'
import type { GatewayRequest, GatewayResponse } from './handle-request.ts'
import { startGatewayServer } from './server.ts'

suite('startGatewayServer()', () => {
  test('answers broken HTTP once, in SNS form, and closes', async (t) => {
    const { open } = await setup(t)
    const broken = [
      'no HTTP at all\r\n\r\n',
      `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(100 * 1024)}\r\n\r\n`,
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnot a size\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ]
    for (const bytes of broken) {
      const socket = await open()
      socket.write(bytes)
      const answer = await readToEnd(socket)
      assert.match(answer, /^HTTP\/1\.1 400 /, bytes.slice(0, 40))
      assert.equal(answer.split('<Code>MalformedHttpRequestException</Code>').length, 2)
      assert.equal(answer.split('HTTP/1.1').length, 2)
    }
  })

  test('answers what came before broken HTTP, and nothing in its place', async (t) => {
    const { open, answerLater } = await setup(t)
    const socket = await open()
    socket.write('GET /?Action=First HTTP/1.1\r\nHost: a\r\n\r\nno HTTP at all\r\n\r\n')
    answerLater('First')
    const answer = await readToEnd(socket)
    assert.match(answer, /^HTTP\/1\.1 200 /)
    assert.ok(answer.endsWith('First'))
  })

  test('lets go of a refused peer that never closes its side', async (t) => {
    const { open } = await setup(t)
    const socket = await open({ allowHalfOpen: true })
    socket.resume().write('no HTTP at all\r\n\r\n')
    // As long as the server holds the connection, bytes sent to it are taken.
    const sending = setInterval(() => socket.write('x'), 50)
    t.after(() => clearInterval(sending))
    await assert.rejects(once(socket, 'close'), /EPIPE|ECONNRESET/)
  })

  test('survives a handler that fails, tells so, and serves the next request', async (t) => {
    const { open, failures, answerLater } = await setup(t)
    const socket = await open()
    socket.write('GET /?Action=Fail HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(await readToEnd(socket), '')
    assert.equal(failures.length, 1)
    const next = await open()
    next.write('GET /?Action=Next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    answerLater('Next')
    assert.match(await readToEnd(next), /^HTTP\/1\.1 200 /)
  })

  test('refuses a request without a host and one with two', async (t) => {
    const { open } = await setup(t)
    for (const hosts of ['', 'Host: a\r\nHost: b\r\n']) {
      const socket = await open()
      socket.write(`GET / HTTP/1.1\r\n${hosts}Connection: close\r\n\r\n`)
      const answer = await readToEnd(socket)
      assert.match(answer, /^HTTP\/1\.1 400 /)
      assert.match(answer, /<Code>MalformedHttpRequestException<\/Code>/)
    }
  })

  test('tells an SDK for another service in JSON that it is not served', async (t) => {
    const { send } = await setup(t)
    const queues = await send({ 'x-amz-target': 'AmazonSQS.SendMessage' })
    assert.equal(queues.status, 400)
    assert.equal(JSON.parse(queues.body).__type, 'com.amazonaws.sqs#UnsupportedOperation')
    const other = await send({ 'x-amz-target': 'TrentService.ListKeys' })
    assert.equal(other.status, 400)
    assert.equal(JSON.parse(other.body).__type, 'UnknownOperationException')
  })

  test('serves a request whose expectation it does not know', async (t) => {
    const { send } = await setup(t)
    const answer = await send({ expect: 'a miracle' }, '/?Action=Now')
    assert.equal(answer.status, 200)
  })

  test('refuses what is not admitted with a 503 that SDKs retry, and keeps the connection', async (t) => {
    const { send, fill } = await setup(t)
    fill()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    for (let n = 0; n < 3; n++) {
      const { status, headers, body } = await send({}, '/?Action=Now', { agent })
      assert.equal(status, 503)
      assert.match(body, /<Type>Receiver<\/Type>\s*<Code>ServiceUnavailable<\/Code>/)
      assert.match(String(headers['x-amzn-requestid']), /^[0-9a-f-]{36}$/)
      assert.equal(headers['content-type'], 'text/xml')
      assert.equal(headers.connection, 'keep-alive')
    }
    assert.equal(Object.values(agent.freeSockets).flat().length, 1)
  })

  test('serves links and certificates when publishes are refused', async (t) => {
    const { send, fill } = await setup(t)
    fill()
    assert.equal((await send({}, '/?Action=Now', { method: 'GET' })).status, 200)
    const certificate = await send({}, `/SimpleNotificationService-${'0'.repeat(32)}.pem`, { method: 'GET' })
    assert.deepEqual([certificate.status, certificate.body], [200, 'a certificate'])
  })

  test('closes a connection beyond the limit before any TLS, tells so, and serves the others', async (t) => {
    const { port, open, connectionRefused, answerLater } = await setup(t, { maxConnections: 2 })
    const [first] = [await open(), await open()]
    const refused = connect(port, '127.0.0.1')
    assert.equal(await readToEnd(refused), '')
    await connectionRefused
    first.write('GET /?Action=Next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    answerLater('Next')
    assert.match(await readToEnd(first), /^HTTP\/1\.1 200 /)
    assert.ok(await open())
  })

  test('takes over a new certificate, and tells which one it gives to connections', async (t) => {
    const { open, certificatesInUse, replaceCertificate } = await setup(t)
    const given = async () => (await open()).getPeerX509Certificate()?.toString()
    assert.equal(certificatesInUse[0], await given())
    const replaced = replaceCertificate()
    await replaced.inUse
    assert.equal(certificatesInUse.at(-1), replaced.certificatePem)
    assert.equal(await given(), replaced.certificatePem)
  })

  test('drops a connection that speaks no TLS', async (t) => {
    const { port } = await setup(t)
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(await readToEnd(socket), '')
  })
})

/** The handler answers with the action's name: at once, when told (`First`, `Next`), or by failing (`Fail`). */
async function setup(t: TestContext, o: { maxConnections?: number } = {}) {
  let isFull = false
  const connectionsRefused = Promise.withResolvers<void>()
  const dir = mkdtempSync(join(tmpdir(), 'sealcast-gateway-server-'))
  const authority = createCertificateAuthority({ commonName: 'test', now: Date.now() })
  const certificate = issueServerCertificate({ authority, hosts: ['localhost'], now: Date.now() })
  writeFileSync(join(dir, 'cert.pem'), certificate.certificatePem)
  writeFileSync(join(dir, 'key.pem'), certificate.privateKeyPem)
  const failures: unknown[] = []
  const certificatesInUse: string[] = []
  let tlsChanged = (): void => undefined
  const turns = new Map<string, PromiseWithResolvers<void>>()
  const turnOf = (action: string) => {
    const turn = turns.get(action) ?? Promise.withResolvers<void>()
    turns.set(action, turn)
    return turn
  }
  const handleRequest = async ({ query }: GatewayRequest): Promise<GatewayResponse> => {
    const action = query.replace('Action=', '')
    if (action === 'Fail') throw new Error('a fault of ours')
    if (action === 'First' || action === 'Next') await turnOf(action).promise
    return { status: 200, requestId: 'id', contentType: 'text/xml', body: action }
  }
  const server = await startGatewayServer({
    host: '127.0.0.1',
    port: 0,
    httpPort: undefined,
    tlsCertificateFile: join(dir, 'cert.pem'),
    tlsKeyFile: join(dir, 'key.pem'),
    certificates: new Map([['0'.repeat(32), 'a certificate']]),
    maxConnections: o.maxConnections ?? 100,
    bodyBudgetBytes: 1024 * 1024,
    admission: {
      enter: ({ isLink }) => (isFull && !isLink ? 'in-flight' : () => undefined),
      refuse: async () => ({ close: false }),
    },
    onConnectionRefused: () => connectionsRefused.resolve(),
    handleRequest,
    certificatePollMs: 20,
    onTlsInUse(pem) {
      certificatesInUse.push(normalise(pem))
      tlsChanged()
    },
    onTlsReloadFailure: (error) => failures.push(error),
    onFailure: (error) => failures.push(error),
  })
  t.after(async () => {
    await server.stop(0)
    rmSync(dir, { recursive: true, force: true })
  })
  const { port } = server
  const trust = { ca: authority.certificatePem, host: 'localhost', port, servername: 'localhost' }
  return {
    port,
    failures,
    /** From now on only links and certificates are served. */
    fill: () => {
      isFull = true
    },
    connectionRefused: connectionsRefused.promise,
    certificatesInUse,
    /** Key first, so that the watched file never lies beside a key of another certificate. */
    replaceCertificate() {
      const next = issueServerCertificate({ authority, hosts: ['localhost'], now: Date.now() })
      const inUse = new Promise<void>((resolve) => {
        tlsChanged = resolve
      })
      writeFileSync(join(dir, 'key.pem'), next.privateKeyPem)
      writeFileSync(join(dir, 'cert.pem'), next.certificatePem)
      return { inUse, certificatePem: normalise(next.certificatePem) }
    },
    /** Lets the handler answer a little after the rest of what was written has been read. */
    answerLater: (action: string) => setTimeout(turnOf(action).resolve, 100),
    async open(o: { allowHalfOpen?: boolean } = {}): Promise<TLSSocket> {
      const options: ConnectionOptions & typeof o = { ...trust, ...o }
      const socket = connectTls(options)
      await once(socket, 'secureConnect')
      return socket
    },
    send: (
      headers: Record<string, string>,
      path = '/',
      { method = 'POST', agent = false }: { method?: string; agent?: Agent | false } = {},
    ): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> =>
      new Promise((resolve, reject) => {
        const request = httpsRequest({ ...trust, path, method, headers, agent }, (response) => {
          let body = ''
          response.setEncoding('utf8').on('data', (text: string) => {
            body += text
          })
          response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
        })
        request.on('error', reject).end()
      }),
  }
}

/** As node:crypto writes it. */
function normalise(pem: string): string {
  return new X509Certificate(pem).toString()
}

async function readToEnd(socket: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += chunk.toString()
  return text
}
