import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { createSignatureVerifier, parseSignature } from '#shared/sigv4'
import { decodeParameters } from '#shared/sns-wire'
import { batchRequests, publishRequests } from '../bench/publish-requests.ts'
import { MESSAGE_BYTES, makeMessage, type PreparedRequest, wireBytes, writeRequests } from './prepare-requests.ts'

const SIGNER = {
  host: 'localhost:4443',
  region: 'eu-west-1',
  accessKeyId: 'AKIAEXAMPLEEXAMPLE12',
  secretAccessKey: 'a secret of forty characters or about it',
}
const TOPICS = ['arn:aws:sns:eu-west-1:000000000000:one', 'arn:aws:sns:eu-west-1:000000000000:two']

suite('makeMessage()', () => {
  test('makes JSON of exactly 1 KiB, each unlike the others', () => {
    const messages = [0, 1, 9, 10, 99_999, 1_000_000].map(makeMessage)
    for (const message of messages) {
      assert.equal(Buffer.byteLength(message), MESSAGE_BYTES)
      JSON.parse(message)
    }
    assert.equal(new Set(messages).size, messages.length)
  })
})

suite('publishRequests()', () => {
  test('signs each request so that our verifier accepts it', () => {
    const make = publishRequests(TOPICS, SIGNER)
    for (let index = 0; index < 20; index++) verify(make(index))
  })

  test('gives every request a body and a signature of its own, and takes the topics in turn', () => {
    const make = publishRequests(TOPICS, SIGNER)
    const requests = Array.from({ length: 50 }, (_, index) => make(index))
    assert.equal(new Set(requests.map(({ body }) => body)).size, 50)
    assert.equal(new Set(requests.map(({ headers }) => headers.authorization)).size, 50)
    const parameters = requests.map(({ body }) => decode(body))
    assert.deepEqual(
      parameters.slice(0, 3).map((each) => each.get('TopicArn')),
      [TOPICS[0], TOPICS[1], TOPICS[0]],
    )
    assert.equal(Buffer.byteLength(parameters[0]?.get('Message') ?? ''), MESSAGE_BYTES)
  })
})

suite('batchRequests()', () => {
  test('signs batches whose messages are all distinct', () => {
    const make = batchRequests(TOPICS[0] ?? '', 10, SIGNER)
    const requests = [make(0), make(1)]
    for (const request of requests) verify(request)
    const messages = requests.flatMap(({ body }) =>
      Array.from({ length: 10 }, (_, entry) =>
        decode(body).get(`PublishBatchRequestEntries.member.${entry + 1}.Message`),
      ),
    )
    assert.equal(new Set(messages).size, 20)
    assert.ok(!messages.includes(undefined))
  })
})

suite('writeRequests()', () => {
  test('writes every request once, dealt out to the threads', (t) => {
    const prefix = join(setup(t), 'requests')
    const make = publishRequests(TOPICS, SIGNER)
    const made: string[] = []
    writeRequests({
      prefix,
      threads: 2,
      count: 601,
      make: (index) => {
        const request = make(index)
        made.push(wireBytes(request).toString('utf8'))
        return request
      },
    })
    const [first, second] = [readRecords(`${prefix}.0`), readRecords(`${prefix}.1`)]
    assert.deepEqual(
      first,
      made.filter((_, index) => index % 2 === 0),
    )
    assert.deepEqual(
      second,
      made.filter((_, index) => index % 2 === 1),
    )
  })
})

suite('wireBytes()', () => {
  test('is one whole HTTP request', () => {
    const request = publishRequests(TOPICS, SIGNER)(0)
    const [head = '', body] = wireBytes(request).toString('utf8').split('\r\n\r\n')
    assert.equal(body, request.body)
    assert.match(head, /^POST \/ HTTP\/1\.1\r\nhost: localhost:4443\r\n/)
    assert.match(head, new RegExp(`^content-length: ${Buffer.byteLength(request.body)}$`, 'm'))
  })
})

function verify({ headers, body }: PreparedRequest): void {
  const request = {
    method: 'POST',
    path: '/',
    query: '',
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    bodyHash: hash('sha256', body, 'hex'),
  }
  const parsed = parseSignature(request)
  assert.equal(parsed?.accessKeyId, SIGNER.accessKeyId)
  const { secretAccessKey } = SIGNER
  createSignatureVerifier().verify(parsed, { request, secretAccessKey, service: 'sns', now: Date.now() })
}

function decode(body: string) {
  return decodeParameters({ query: '', body: Buffer.from(body), hasFormBody: true })
}

function readRecords(file: string): string[] {
  const bytes = readFileSync(file)
  const records: string[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    const end = at + 4 + bytes.readUInt32LE(at)
    records.push(bytes.toString('utf8', at + 4, end))
    at = end
  }
  return records
}

function setup(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealcast-requests-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
