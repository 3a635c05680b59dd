/**
 * Requests as the AWS SDK really sends them, taken off the wire by a plain HTTP server, verify.
 */

import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import { createSignatureVerifier, type HttpRequestParts, parseSignature } from './index.ts'

suite('@aws-sdk/client-sns', () => {
  for (const from of ['headers', 'headersDistinct'] as const) {
    test(`sends requests that verify, read from ${from}`, async () => {
      await using wire = await setup({ from })
      await wire.sns.send(
        new PublishCommand({
          TopicArn: 'arn:aws:sns:eu-west-1:000000000000:orders',
          Message: 'grüße & 100% +/=~ 😀\n',
          Subject: 'a subject',
        }),
      )
      const [request] = wire.requests
      assert.ok(request)
      const parsed = parseSignature(request)
      assert.ok(parsed)
      assert.equal(parsed.accessKeyId, CREDENTIALS.accessKeyId)
      assert.equal(parsed.region, 'eu-west-1')
      assert.equal(parsed.signedHeaders.length, 8)
      const { secretAccessKey } = CREDENTIALS
      const o = { request, secretAccessKey, service: 'sns', now: parsed.signedAt }
      createSignatureVerifier().verify(parsed, o)

      const flipped = { ...request, bodyHash: hash('sha256', 'other', 'hex') }
      assert.throws(() => createSignatureVerifier().verify(parsed, { ...o, request: flipped }), {
        code: 'SIGNATURE_DOES_NOT_MATCH',
      })
    })
  }

  test('sends a session token that is exposed', async () => {
    await using wire = await setup({ from: 'headersDistinct', sessionToken: 'a-session-token' })
    await wire.sns.send(new PublishCommand({ TopicArn: 'arn:aws:sns:eu-west-1:000000000000:orders', Message: 'hello' }))
    const [request] = wire.requests
    assert.ok(request)
    const parsed = parseSignature(request)
    assert.equal(parsed?.sessionToken, 'a-session-token')
    const { secretAccessKey } = CREDENTIALS
    createSignatureVerifier().verify(parsed, { request, secretAccessKey, service: 'sns', now: parsed.signedAt })
  })
})

const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

const ANSWER =
  '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId>' +
  '</PublishResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></PublishResponse>'

async function setup(o: { from: 'headers' | 'headersDistinct'; sessionToken?: string }) {
  const requests: HttpRequestParts[] = []
  const server = createServer(async (incoming, outgoing) => {
    requests.push(await readRequest(incoming, o.from))
    outgoing.setHeader('content-type', 'text/xml').end(ANSWER)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const sns = new SNSClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-west-1',
    credentials: { ...CREDENTIALS, ...(o.sessionToken === undefined ? {} : { sessionToken: o.sessionToken }) },
  })
  return {
    requests,
    sns,
    async [Symbol.asyncDispose]() {
      sns.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function readRequest(incoming: IncomingMessage, from: 'headers' | 'headersDistinct'): Promise<HttpRequestParts> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const [path = '', query = ''] = String(incoming.url).split('?', 2)
  return {
    method: String(incoming.method),
    path,
    query,
    headers: incoming[from],
    bodyHash: hash('sha256', Buffer.concat(chunks), 'hex'),
  }
}
