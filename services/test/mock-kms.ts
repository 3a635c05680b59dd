/**
 * A stand-in for KMS of the kind that some mocks are: what it calls the encrypted data key is the data key,
 * written another way. It also refuses credentials when told to.
 */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface MockKms extends AsyncDisposable {
  readonly url: string
  /** Operations asked for so far. */
  readonly asked: readonly string[]
  /** Of all data keys so far. */
  readonly plaintexts: readonly Buffer[]
  /** How the data key is written into its "encrypted" form; the key itself unless set. */
  write: (plaintext: Buffer) => Buffer
  /** The error of every answer, while set. */
  refusal: { name: string; message: string } | undefined
}

/** @param o.keyArn the only key there is */
export async function startMockKms(o: { keyArn: string }): Promise<MockKms> {
  const asked: string[] = []
  const plaintexts: Buffer[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const input = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    const operation = String(request.headers['x-amz-target']).replace('TrentService.', '')
    asked.push(operation)
    response.setHeader('content-type', 'application/x-amz-json-1.1')
    if (mock.refusal !== undefined) {
      const { name, message } = mock.refusal
      response.writeHead(400).end(JSON.stringify({ __type: name, message }))
      return
    }
    response.end(JSON.stringify({ KeyId: o.keyArn, ...(operation === 'Decrypt' ? opened(input) : generated()) }))
  })
  const generated = () => {
    const plaintext = randomBytes(32)
    plaintexts.push(plaintext)
    return { Plaintext: plaintext.toString('base64'), CiphertextBlob: mock.write(plaintext).toString('base64') }
  }
  const opened = (input: { CiphertextBlob: string }) => {
    const blob = Buffer.from(input.CiphertextBlob, 'base64')
    const plaintext = plaintexts.find((candidate) => mock.write(candidate).equals(blob))
    return { Plaintext: plaintext?.toString('base64') }
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const mock: MockKms = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    plaintexts,
    write: (plaintext) => plaintext,
    refusal: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return mock
}
