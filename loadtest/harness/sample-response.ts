/** One request through node:https, to see how the gateway answers it. */

import { request } from 'node:https'
import type { PreparedRequest } from './prepare-requests.ts'

export interface SampleResponse {
  readonly status: number
  /** Those the gateway sets itself; node:http adds the others to any server's answers. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function sampleResponse(o: { url: string; ca: string; request: PreparedRequest }): Promise<SampleResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = request(o.url, { method: 'POST', ca: o.ca, headers: o.request.headers, agent: false })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const own = response.rawHeaders.flatMap((name, at, all) =>
          at % 2 === 0 && /^(x-amzn-|content-type)/i.test(name) ? [[name, all[at + 1] ?? '']] : [],
        )
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(own),
          body: Buffer.concat(chunks).toString('utf8'),
        })
      })
    })
    outgoing.end(o.request.body)
  })
}
