/** A server that stands in for one of AWS, where a test decides what it answers. */

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

/** @returns its URL, and headers and bodies of what it was asked, also while it is asked */
export async function startStandIn(
  t: TestContext,
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
) {
  const seen: IncomingHttpHeaders[] = []
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    seen.push(request.headers)
    bodies.push(await text(request))
    handle(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, bodies }
}
