/** Bytes that are no request, or half of one, or far too much of one: an answer or an end, never a hang or a crash. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { signRequest } from '#shared/sigv4'
import { formOf, type HostileClient, MARK, startHostileClient } from './hostile-client.ts'
import { signedForm } from './raw-request.ts'
import { isWellFormedXml } from './well-formed-xml.ts'

/** More than a refused peer is given to close, far less than a request may take. */
const PROMPT_MS = 3000
const LIMIT_BYTES = 262_144

suite('the gateway', () => {
  let client: HostileClient
  let slow: ReturnType<typeof openSlowPeers>

  before(async () => {
    client = await startHostileClient()
    // Takes ten seconds, in which the others run.
    slow = openSlowPeers()
  })

  after(async () => {
    await client[Symbol.asyncDispose]()
  })

  const malformed: [string, string | Uint8Array][] = [
    ['garbage', 'no HTTP at all\r\n\r\n'],
    ['bytes of every kind', Buffer.from(Array.from({ length: 256 }, (_, n) => n))],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a header of 100 KiB', `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(100 * 1024)}\r\n\r\n`],
    ['a URL of 100 KiB', `GET /?a=${'x'.repeat(100 * 1024)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ['a thousand headers of 100 bytes', `GET / HTTP/1.1\r\nHost: a\r\n${`X: ${'x'.repeat(95)}\r\n`.repeat(1000)}\r\n`],
    ['a folded header', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n'],
    ['a blank before a colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'],
    ['bare line feeds', 'GET / HTTP/1.1\nHost: a\n\n'],
    ['NUL in a header', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n'],
    ['bytes beyond ASCII in the URL', Buffer.from('GET /?a=\xff HTTP/1.1\r\nHost: a\r\n\r\n', 'latin1')],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef'],
    ['a signed length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde'],
    ['a negative length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n'],
    ['a list of lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nabcde'],
    [
      'a length beside chunks',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['an unknown coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    [
      'chunks that are not the last coding',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n',
    ],
    ['a chunk without a size', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n'],
    [
      'a chunk longer than its size',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n',
    ],
  ]

  test('refuses what is not HTTP, once, and closes', async () => {
    await client.assertHarmless(async () => {
      for (const peer of Object.values(peers())) {
        for (const [what, bytes] of malformed) {
          const answer = await exchange(peer, [bytes])
          assert.match(answer, /^HTTP\/1\.1 400 /, `${what}: ${answer}`)
          assert.match(answer, /<Code>MalformedHttpRequestException<\/Code>/, what)
          assert.equal(answer.split('HTTP/1.1').length, 2, what)
          const [head = '', body = ''] = answer.split('\r\n\r\n')
          assert.ok(isWellFormedXml(body), what)
          const id = /x-amzn-RequestId: (\S+)/.exec(head)?.[1]
          assert.ok(id !== undefined && body.includes(`<RequestId>${id}</RequestId>`), what)
        }
      }
    })
  })

  test('gives up on a request that ends too early', async () => {
    const { body, head } = signedPublish()
    const cut: [string, string][] = [
      ['nothing', ''],
      ['half a request line', 'POST /'],
      ['half a header', 'POST / HTTP/1.1\r\nHos'],
      ['no body', `${head}\r\n\r\n`],
      ['half a body', `${head}\r\n\r\n${body.slice(0, -1)}`],
      ['half a chunk', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel'],
      ['no last chunk', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ]
    await client.assertHarmless(async () => {
      for (const peer of Object.values(peers())) {
        for (const [what, bytes] of cut) {
          const answer = await exchange(peer, [bytes], { end: true })
          if (bytes === '') assert.equal(answer, '')
          else assert.match(answer, /^HTTP\/1\.1 400 /, what)
          await exchange(peer, [bytes], { reset: true })
        }
      }
    })
  })

  test('ends what is not spoken here: TLS cut off, HTTP on the port of HTTPS, CONNECT', async () => {
    const { https, http } = peers()
    await client.assertHarmless(async () => {
      assert.equal(await exchange({ ...https, tls: false }, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n']), '')
      assert.equal(await exchange({ ...https, tls: false }, [Buffer.from('1603010200', 'hex')], { end: true }), '')
      // The first bytes of a TLS record, as an HTTPS client on the wrong port sends them.
      assert.match(await exchange(http, [Buffer.from('16030102000100', 'hex')]), /^HTTP\/1\.1 400 /)
      assert.equal(await exchange(https, ['CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n']), '')
    })
  })

  test('answers requests of other kinds in the form of SNS', async () => {
    const close = 'Connection: close\r\n\r\n'
    const rows: [string, string, number, string][] = [
      ['no host', `GET / HTTP/1.1\r\n${close}`, 400, 'MalformedHttpRequestException'],
      ['two hosts', `GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n${close}`, 400, 'MalformedHttpRequestException'],
      ['HTTP/1.0', 'GET /?Action=Publish HTTP/1.0\r\n\r\n', 403, 'MissingAuthenticationToken'],
      ['another path', `GET /topics HTTP/1.1\r\nHost: a\r\n${close}`, 404, 'InvalidAction'],
      ['a path upwards', `GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n${close}`, 404, 'InvalidAction'],
      [
        'a certificate of nobody',
        `GET /SimpleNotificationService-${'0'.repeat(32)}.pem HTTP/1.1\r\nHost: a\r\n${close}`,
        404,
        'InvalidAction',
      ],
      ['another URL', `GET http://localhost/ HTTP/1.1\r\nHost: a\r\n${close}`, 404, 'InvalidAction'],
      ['OPTIONS', `OPTIONS * HTTP/1.1\r\nHost: a\r\n${close}`, 404, 'InvalidAction'],
      ['DELETE', `DELETE / HTTP/1.1\r\nHost: a\r\n${close}`, 405, 'InvalidAction'],
      ['PUT', `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n${close}x`, 405, 'InvalidAction'],
      [
        'an upgrade',
        'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: close, upgrade\r\n\r\n',
        403,
        'MissingAuthenticationToken',
      ],
      [
        'an expectation',
        `POST / HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\nContent-Length: 0\r\n${close}`,
        403,
        'MissingAuthenticationToken',
      ],
    ]
    await client.assertHarmless(async () => {
      for (const peer of Object.values(peers())) {
        for (const [what, bytes, status, code] of rows) {
          const answer = await exchange(peer, [bytes])
          assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), `${what}: ${answer}`)
          assert.ok(answer.includes(`<Code>${code}</Code>`), `${what}: ${answer}`)
          assert.ok(isWellFormedXml(answer.slice(answer.indexOf('\r\n\r\n') + 4)), what)
        }
        const head = await exchange(peer, [`HEAD / HTTP/1.1\r\nHost: a\r\n${close}`])
        assert.ok(head.startsWith('HTTP/1.1 405 ') && head.endsWith('\r\n\r\n'), head)
      }
    })
  })

  test('tells the SDK of SQS in JSON that there are no queues yet', async () => {
    await client.assertHarmless(async () => {
      const { status, body, headers } = await client.send({
        url: client.httpsUrl,
        headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' },
        body: JSON.stringify({ QueueUrl: 'https://localhost/q', MessageBody: MARK }),
      })
      assert.equal(status, 400)
      assert.match(String(headers['content-type']), /json/)
      assert.equal(JSON.parse(body).__type, 'com.amazonaws.sqs#UnsupportedOperation')
    })
  })

  test('answers pipelined requests in turn, and the good ones before what breaks the stream', async () => {
    const request = (action: string) => `GET /?Action=${action} HTTP/1.1\r\nHost: a\r\n\r\n`
    for (const peer of Object.values(peers())) {
      // In one piece, so that all are under way when the end of it is refused.
      const answers = await exchange(peer, [`${request('A').repeat(20)}no HTTP at all\r\n\r\n`])
      assert.equal(answers.split('HTTP/1.1 403 ').length, 21)
      assert.ok(!answers.includes('HTTP/1.1 400'), 'no refusal takes the place of an answer')
    }
    const { head, body } = signedPublish()
    const published = await exchange(peers().https, [`${head}\r\n\r\n${body}no HTTP at all\r\n\r\n`])
    assert.match(published, /^HTTP\/1\.1 200 /)
    assert.match(published, /<MessageId>/)
  })

  test('takes a body in chunks, and one that waits for leave to be sent', async () => {
    const { head, body } = signedPublish()
    const without = head.replace(/content-length: \d+\r\n/i, '')
    const half = Math.floor(body.length / 2)
    const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
    const chunks = [
      `${without}\r\nTransfer-Encoding: chunked\r\n\r\n`,
      chunk(body.slice(0, half)),
      chunk(body.slice(half)),
      '0\r\n\r\n',
    ]
    const chunked = await exchange(peers().https, chunks, { until: '</PublishResponse>' })
    assert.match(chunked, /^HTTP\/1\.1 200 /)
    const expecting = await exchange(peers().https, [`${head}\r\nExpect: 100-continue\r\n\r\n`, body], {
      until: '</PublishResponse>',
    })
    assert.match(expecting, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
  })

  test('takes a message of 262,144 bytes however long its encoding, and not one byte more', async () => {
    for (const TopicArn of [client.plainTopic, client.sealedTopic]) {
      // Three bytes each as sent.
      const percent = await client.call({ Action: 'Publish', TopicArn, Message: '%'.repeat(LIMIT_BYTES) })
      assert.equal(percent.status, 200, percent.body)
      const euros = await client.call({ Action: 'Publish', TopicArn, Message: `${'€'.repeat(87_381)}x` })
      assert.equal(euros.status, 200, euros.body)
    }
    const attribute = {
      'MessageAttributes.entry.1.Name': 'kind',
      'MessageAttributes.entry.1.Value.DataType': 'String',
      'MessageAttributes.entry.1.Value.StringValue': 'new',
    }
    const fits = { Action: 'Publish', TopicArn: client.plainTopic, Message: 'x'.repeat(LIMIT_BYTES - 13), ...attribute }
    assert.equal((await client.call(fits)).status, 200)
    await client.assertHarmless(async () => {
      const tooLong = { status: 400, code: 'InvalidParameter', message: 'Invalid parameter: Message too long' }
      for (const TopicArn of [client.plainTopic, client.sealedTopic]) {
        const message = { Action: 'Publish', TopicArn }
        const rows: Readonly<Record<string, string>>[] = [
          { ...message, Message: '%'.repeat(LIMIT_BYTES + 1) },
          { ...message, Message: `${'€'.repeat(87_381)}xx` },
          { ...message, Message: 'x'.repeat(LIMIT_BYTES - 12), ...attribute },
        ]
        for (const [n, row] of rows.entries()) client.assertRefused(await client.call(row), tooLong, `row ${n}`)
      }
      for (const mebibytes of [1, 2, 7]) {
        for (const plain of [false, true]) {
          const body = `Action=Publish&TopicArn=${client.plainTopic}&Message=${'x'.repeat(mebibytes * 1024 * 1024)}`
          client.assertRefused(await client.call(body, { plain }), tooLong, `${mebibytes} MiB`)
          client.assertRefused(await client.call(body, { plain, signed: false }), tooLong, `${mebibytes} MiB, unsigned`)
        }
      }
    })
  })

  test('stops reading a body without end', async () => {
    await client.assertHarmless(async () => {
      for (const peer of Object.values(peers())) {
        const piece = `${(1024 * 1024).toString(16)}\r\n${'x'.repeat(1024 * 1024)}\r\n`
        const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
        // The answer comes while the peer is still sending, so it may be lost to it; the end may not.
        const answer = await exchange(peer, [head, ...Array.from({ length: 64 }, () => piece)], { gapMs: 1 })
        assert.ok(answer === '' || answer.includes('Invalid parameter: Message too long'), answer.slice(0, 100))
      }
    })
  })

  test('takes all parameters in the URL, by GET and by POST', async () => {
    const { credentials } = client.stack.clientConfig
    const { host } = new URL(client.httpsUrl)
    for (const method of ['GET', 'POST']) {
      const message = { Action: 'Publish', TopicArn: client.sealedTopic, Message: `${MARK} ü+%&=` }
      const query = formOf(message)
      const signing = { ...credentials, region: 'us-east-1', service: 'sns', now: Date.now() }
      const headers = signRequest({ method, path: '/', query, headers: { host } }, signing)
      const { status, body } = await client.send({ url: `${client.httpsUrl}?${query}`, method, headers })
      assert.equal(status, 200, body)
    }
  })

  test('gives up on peers that send too slowly', async () => {
    const { headers, handshake, silent } = await slow
    for (const answer of headers) {
      assert.match(answer, /^HTTP\/1\.1 408 /)
      assert.match(answer, /<Code>RequestTimeoutException<\/Code>/)
    }
    assert.equal(handshake, '')
    // Nothing was asked, so nothing is answered: it would be taken for the answer to what is sent at that moment.
    assert.deepEqual(silent, ['', ''])
  })

  test('left nothing of all this in its log', async () => {
    await client.assertQuietLog()
  })

  async function openSlowPeers(): Promise<{ headers: string[]; handshake: string; silent: string[] }> {
    const trickle = ['POST / HTTP/1.1\r\n', ...Array.from({ length: 200 }, (_, n) => `X-${n}: x\r\n`)]
    const o = { gapMs: 100, withinMs: 15_000 }
    const { https, http } = peers()
    const [overTls, plain, handshake, ...silent] = await Promise.all([
      exchange(https, trickle, o),
      exchange(http, trickle, o),
      exchange({ ...https, tls: false }, [Buffer.from('16', 'hex')], o),
      exchange(https, [], o),
      exchange(http, [], o),
    ])
    return { headers: [overTls, plain], handshake, silent }
  }

  function peers(): { https: Peer; http: Peer } {
    const ca = client.stack.ca
    return {
      https: { port: Number(new URL(client.httpsUrl).port), tls: true, ca },
      http: { port: Number(new URL(client.httpUrl).port), tls: false, ca },
    }
  }

  /** The bytes of a good request up to its last header, and those of its body. */
  function signedPublish(): { head: string; body: string } {
    const body = formOf({ Action: 'Publish', TopicArn: client.plainTopic, Message: MARK })
    const { headers } = signedForm(client.httpsUrl, body, client.stack.clientConfig.credentials)
    const lines = Object.entries({ 'content-length': String(body.length), ...headers })
    return { body, head: ['POST / HTTP/1.1', ...lines.map(([name, value]) => `${name}: ${value}`)].join('\r\n') }
  }
})

interface Peer {
  readonly port: number
  readonly tls: boolean
  readonly ca: string
}

/**
 * Sends pieces on a connection of their own and reads until the other side ends it.
 *
 * @param o.end ends our side after the last piece
 * @param o.reset cuts the connection after the last piece, without waiting for an answer
 * @param o.until what ends the reading besides the end
 */
async function exchange(
  { port, tls, ca }: Peer,
  pieces: readonly (string | Uint8Array)[],
  o: { end?: boolean; reset?: boolean; until?: string; gapMs?: number; withinMs?: number } = {},
): Promise<string> {
  const socket = tls ? connectTls({ port, host: 'localhost', ca }) : connect(port, '127.0.0.1')
  let text = ''
  const ended = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (o.until !== undefined && text.includes(o.until)) resolve()
    })
    socket.on('end', resolve)
    // A peer that is not listened to any more is reset.
    socket.on('error', () => resolve())
    socket.on('close', () => resolve())
  })
  let late = false
  const timer = setTimeout(() => {
    late = true
    socket.destroy()
  }, o.withinMs ?? PROMPT_MS)
  await once(socket, tls ? 'secureConnect' : 'connect')
  for (const piece of pieces) {
    if (socket.destroyed || !socket.writable) break
    socket.write(piece)
    await new Promise((resolve) => setTimeout(resolve, o.gapMs ?? 0))
  }
  if (o.end) socket.end()
  if (o.reset) socket.destroy()
  await ended
  clearTimeout(timer)
  socket.destroy()
  assert.ok(!late, `the gateway neither answered nor ended in time: ${text.slice(0, 200)}`)
  return text
}
