/**
 * The way in for faults: a small JSON API on 127.0.0.1, never anywhere else.
 *
 * No credential: whoever may connect can make the KMS refuse service, no more. Web pages cannot: a body must be declared
 * as JSON and the host be an address, so that a browser asks first, which nobody here answers, and no name leads here.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DocumentError } from '#shared/config'
import type { Log } from '#shared/log'
import type { FaultInjection } from './fault-injection.ts'
import { parseFaultPlan } from './fault-plan.ts'

interface AdminServer extends AsyncDisposable {
  readonly port: number
}

const HOST = '127.0.0.1'
/** Longer than any plan that the bounds of one allow is likely to be. */
const MAX_BODY_BYTES = 256 * 1024

/** @throws what listening throws, e.g. EADDRINUSE */
export async function startAdminServer(o: { port: number; faults: FaultInjection; log: Log }): Promise<AdminServer> {
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    answer(request, o).then(
      ({ status, body }) => send(response, status, body),
      () => request.destroy(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(o.port, HOST, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface AdminAnswer {
  status: number
  body: object
}

const refusal = (status: number, message: string): AdminAnswer => ({ status, body: { message } })

async function answer(
  request: IncomingMessage,
  { faults, log }: { faults: FaultInjection; log: Log },
): Promise<AdminAnswer> {
  const { method, url, headers } = request
  if (!/^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(headers.host ?? '')) return refusal(403, 'Another host was meant.')
  if (url !== '/faults') return refusal(404, 'There is only /faults.')
  if (method === 'DELETE') {
    faults.clear()
    log.info('faults.cleared')
  } else if (method === 'PUT' || method === 'POST') {
    const isJson = headers['content-type']?.split(';')[0]?.trim().toLowerCase() === 'application/json'
    if (!isJson) return refusal(415, 'The content type must be application/json.')
    const text = await readText(request)
    if (text === undefined) return refusal(413, 'The plan is too long.')
    try {
      const plan = parseFaultPlan(text)
      if (method === 'PUT') faults.replace(plan)
      else faults.add(plan)
    } catch (error) {
      if (error instanceof DocumentError) return refusal(400, error.message)
      throw error
    }
    log.warn('faults.set', { faults: JSON.stringify(faults.describe()).slice(0, 4096) })
  } else if (method !== 'GET') {
    return refusal(405, 'GET, PUT, POST and DELETE are known.')
  }
  return { status: 200, body: faults.describe() }
}

/** @returns undefined when it is too long */
async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text)
}
