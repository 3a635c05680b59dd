/**
 * What publishing is compared with: node:https with the gateway's settings and certificate that reads the whole
 * request and answers 200 with the headers and the body of a Publish response, the same every time.
 */

import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { serveParent } from './serve-parent.ts'

export type BareHttps = {
  /** @returns the port */
  listen(o: {
    certificateFile: string
    keyFile: string
    headers: Readonly<Record<string, string>>
    body: string
  }): Promise<number>
}

const calls: BareHttps = {
  listen({ certificateFile, keyFile, headers, body }) {
    const server = createServer({
      cert: readFileSync(certificateFile),
      key: readFileSync(keyFile),
      minVersion: 'TLSv1.2',
      noDelay: true,
      keepAliveTimeout: 75_000,
      maxHeaderSize: 64 * 1024,
    })
    server.on('request', (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        response.writeHead(200, { ...headers, 'Content-Length': Buffer.byteLength(body) })
        response.end(body)
      })
    })
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
  },
}

serveParent(calls)
