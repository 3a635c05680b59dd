/** What no SDK would send: requests by hand, and the answers' bytes. */

import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { signRequest } from '#shared/sigv4'
import { startTestKms, type TestKms } from '#shared/test-kms'

let kms: TestKms

before(async () => {
  kms = await startTestKms()
})
after(async () => {
  await kms[Symbol.asyncDispose]()
})

suite('answers', () => {
  test('carry request id, length, type, a correct date and no-store', async () => {
    const { status, headers, body } = await send({ target: 'TrentService.ListKeys' })
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'application/x-amz-json-1.1')
    assert.equal(headers['content-length'], String(Buffer.byteLength(body)))
    assert.match(String(headers['x-amzn-requestid']), /^[0-9a-f-]{36}$/)
    assert.equal(headers['cache-control'], 'no-store')
    assert.ok(Math.abs(Date.parse(String(headers.date)) - Date.now()) < 5_000)
  })

  test('of operations without output are empty', async () => {
    const { KeyMetadata } = JSON.parse((await send({ target: 'TrentService.CreateKey' })).body)
    const body = JSON.stringify({ KeyId: KeyMetadata.KeyId })
    const answer = await send({ target: 'TrentService.EnableKey', body })
    assert.deepEqual([answer.status, answer.headers['content-length'], answer.body], [200, '0', ''])
  })

  test('write timestamps as numbers', async () => {
    const { KeyMetadata } = JSON.parse((await send({ target: 'TrentService.CreateKey' })).body)
    assert.equal(typeof KeyMetadata.CreationDate, 'number')
  })

  test('take an empty body for one without members', async () => {
    assert.equal((await send({ target: 'TrentService.ListKeys', body: '' })).status, 200)
  })
})

suite('refusals', () => {
  test('an unsigned request', async () => {
    await refused({ unsigned: true }, 400, 'MissingAuthenticationTokenException')
  })

  test('an Authorization header that is none of SigV4, or half of one', async () => {
    for (const authorization of ['Basic eDp5', 'AWS4-HMAC-SHA256 Credential=x', 'AWS4-HMAC-SHA256']) {
      await refused({ unsigned: true, headers: { authorization } }, 400, 'IncompleteSignatureException')
    }
  })

  test('a body other than the one that was signed', async () => {
    await refused({ body: '{}', sentBody: '{"Limit":1}' }, 400, 'InvalidSignatureException')
  })

  test('a date of half an hour ago', async () => {
    await refused({ now: Date.now() - 30 * 60_000 }, 400, 'InvalidSignatureException')
  })

  test('a signature for another service', async () => {
    await refused({ service: 'sns' }, 400, 'InvalidSignatureException')
  })

  for (const target of ['TrentService.Nonsense', 'Nonsense', '', 'TrentService.', 'TrentService.__proto__']) {
    test(`the unknown operation '${target}'`, async () => {
      await refused({ target }, 400, 'UnknownOperationException')
    })
  }

  test('another path, a query and another method', async () => {
    await refused({ path: '/x' }, 400, 'UnknownOperationException')
    await refused({ path: '/?a=b' }, 400, 'UnknownOperationException')
    await refused({ method: 'PUT' }, 400, 'UnknownOperationException')
  })

  test('another content type', async () => {
    await refused({ headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 400, 'SerializationException')
    await refused({ headers: { 'content-type': 'application/x-amz-json-1.0' } }, 400, 'SerializationException')
  })

  test('bodies that are no JSON object', async () => {
    for (const body of ['{', '[]', 'null', 'KeyId=x', '\u0000', Buffer.from([0x7b, 0xc3, 0x7d]), '['.repeat(200_000)]) {
      await refused({ body }, 400, 'SerializationException')
    }
  })

  test('a body over 256 KiB, whether its length is announced or not, and one at the limit is read', async () => {
    const body = Buffer.alloc(256 * 1024 + 1, ' ')
    await refused({ body }, 413, 'RequestEntityTooLargeException')
    await refused({ body, headers: { 'transfer-encoding': 'chunked' } }, 413, 'RequestEntityTooLargeException')
    assert.equal((await send({ body: Buffer.concat([body.subarray(3), Buffer.from('{}')]) })).status, 200)
  })

  test('the on-behalf-of header from somebody who is not the broker, for the own ARN too', async () => {
    const headers = { 'x-sealcast-on-behalf-of': kms.user.arn }
    await refused({ headers }, 400, 'AccessDeniedException')
  })

  test('garbage instead of HTTP, and the KMS goes on', async () => {
    const socket = connect(Number(new URL(kms.endpoint).port), '127.0.0.1')
    let answer = ''
    socket.on('data', (data) => {
      answer += data
    })
    socket.write('\x16\x03\x01\x02\x00\x01\x00\r\n\r\n')
    await new Promise((resolve) => socket.on('close', resolve))
    assert.match(answer, /^HTTP\/1.1 400 /)
    assert.equal((await send({})).status, 200)
  })

  test('connections that end in the middle of a request do no harm', async () => {
    const socket = connect(Number(new URL(kms.endpoint).port), '127.0.0.1')
    await new Promise((resolve) => {
      socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf', resolve)
    })
    socket.destroy()
    assert.equal((await send({})).status, 200)
  })
})

interface Sent {
  method?: string
  path?: string
  target?: string
  headers?: Record<string, string>
  body?: string | Buffer
  /** Another one than was signed. */
  sentBody?: string
  unsigned?: boolean
  now?: number
  service?: string
}

async function refused(sent: Sent, status: number, type: string): Promise<void> {
  const answer = await send(sent)
  assert.equal(answer.status, status, answer.body)
  assert.equal(JSON.parse(answer.body).__type, type)
  assert.match(String(answer.headers['x-amzn-requestid']), /^[0-9a-f-]{36}$/)
}

function send(sent: Sent) {
  const { method = 'POST', path = '/', target = 'TrentService.ListKeys', body = '{}', now = Date.now() } = sent
  const { host, port } = new URL(kms.endpoint)
  const [pathOnly = '', query = ''] = path.split('?')
  const plain = { host, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target, ...sent.headers }
  const { service = 'kms' } = sent
  const headers = sent.unsigned
    ? plain
    : signRequest(
        { method, path: pathOnly, query, headers: plain, body },
        { ...kms.user, region: 'us-east-1', service, now },
      )
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers }, async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: String(Buffer.concat(chunks)) })
    })
    request.on('error', reject)
    request.end(sent.sentBody ?? body)
  })
}
