/**
 * Refuses what is well-formed HTTP and yet no request of the AWS Query protocol, or one too many or
 * too long, before anything of it is decoded. Knows no SNS rule but the form of its errors.
 */

import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { DistinctHeaders } from '#shared/sigv4'
import { encodeError } from '#shared/sns-wire'
import type { GatewayResponse } from './handle-request.ts'

/** No single host, an SDK's JSON, another path or method; undefined when it may be decoded. */
export function refuseMisdirected(
  request: Pick<IncomingMessage, 'method' | 'httpVersion'>,
  { path, headers }: { path: string; headers: DistinctHeaders },
): GatewayResponse | undefined {
  const { host } = headers
  const hosts = typeof host === 'string' ? 1 : (host?.length ?? 0)
  if (hosts > 1 || (hosts === 0 && request.httpVersion === '1.1')) {
    // RFC 9112, 3.2. Whoever stands between could take another one of them for the host.
    return refuse(400, 'MalformedHttpRequestException', 'The request must name one host')
  }
  const target = headers['x-amz-target']
  if (target !== undefined) return refuseJson(String(target))
  if (path !== '/') return refuse(404, 'InvalidAction', 'No such resource')
  if (request.method !== 'GET' && request.method !== 'POST') return refuse(405, 'InvalidAction', 'No such method')
  return undefined
}

/** For a body beyond any valid request's; what was signed or meant is never looked at. */
export function refuseTooLong(): GatewayResponse {
  return refuse(400, 'InvalidParameter', 'Invalid parameter: Message too long')
}

/** SDKs try again after this one, each a little later than the last time. */
export function refuseOverloaded(): GatewayResponse {
  return refuse(503, 'ServiceUnavailable', 'Too many requests at once. This one was not looked at; retry later.')
}

/** Clients of services that speak AWS JSON read no XML. */
function refuseJson(target: string): GatewayResponse {
  const isForQueues = target.startsWith('AmazonSQS.')
  return {
    status: 400,
    requestId: randomUUID(),
    contentType: 'application/x-amz-json-1.0',
    body: JSON.stringify({
      __type: isForQueues ? 'com.amazonaws.sqs#UnsupportedOperation' : 'UnknownOperationException',
      message: isForQueues ? 'Queues are not supported by this server yet.' : 'No such operation is served here.',
    }),
  }
}

function refuse(status: number, code: string, message: string): GatewayResponse {
  const requestId = randomUUID()
  const body = encodeError({ code, message, fault: status < 500 ? 'sender' : 'receiver', requestId })
  return { status, requestId, contentType: 'text/xml', body }
}
