/** For tests: asks the KMS without the AWS SDK, so that anything can be sent and the answer is seen as it is. */

import { signRequest } from '#shared/sigv4'

interface RawAnswer {
  readonly status: number
  /** undefined: empty. */
  readonly body: Readonly<Record<string, unknown>> | undefined
}

/** @param body JSON text, or a value to be written as such */
export async function callKms(
  { endpoint, user }: { endpoint: string; user: { accessKeyId: string; secretAccessKey: string } },
  operation: string,
  body: unknown,
): Promise<RawAnswer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const request = {
    method: 'POST',
    path: '/',
    query: '',
    headers: {
      host: new URL(endpoint).host,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `TrentService.${operation}`,
    },
    body: text,
  }
  const headers = signRequest(request, { ...user, region: 'us-east-1', service: 'kms', now: Date.now() })
  const response = await fetch(endpoint, { method: 'POST', headers, body: text })
  const answer = await response.text()
  return { status: response.status, body: answer === '' ? undefined : JSON.parse(answer) }
}
