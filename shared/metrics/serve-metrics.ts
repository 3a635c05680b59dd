/** Serves `GET /metrics` on loopback for Prometheus. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Metrics } from './metrics.ts'

const LOOPBACK = '127.0.0.1'

/**
 * This host by address or by a name that nobody else can give: a web page in a browser of this host can have a name of its
 * own lead here, and would read the page.
 */
const MEANT_HOST = /^(?:[\d.]+|\[[\da-f:]+\]|localhost|host\.docker\.internal)(?::\d+)?$/i

export interface MetricsServer extends AsyncDisposable {
  readonly port: number
}

/**
 * @param port 0 takes any free one
 * @param reusePort lets another process serve on the same port: the one that replaces this one, for a moment
 * @param host loopback unless told otherwise: the page names topics and keys
 * @throws what listening throws, e.g. EADDRINUSE
 */
export async function serveMetrics({
  metrics,
  port,
  reusePort = false,
  host = LOOPBACK,
}: {
  metrics: Metrics
  port: number
  reusePort?: boolean
  host?: string
}): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (host === LOOPBACK && !MEANT_HOST.test(request.headers.host ?? '')) {
      response.writeHead(403).end()
      return
    }
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end()
      return
    }
    metrics.expose().then(
      ({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      () => response.writeHead(500).end(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, reusePort }, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
