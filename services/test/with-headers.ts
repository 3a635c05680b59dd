/** Clients of the AWS SDK that send headers of the test's choice. */

import type { KMSClient } from '@aws-sdk/client-kms'
import type { STSClient } from '@aws-sdk/client-sts'

/** They are there before the request is signed, and signed with it. */
export function withHeaders<T extends { middlewareStack: KMSClient['middlewareStack'] | STSClient['middlewareStack'] }>(
  client: T,
  headers: object,
): T {
  const stack = client.middlewareStack as KMSClient['middlewareStack']
  stack.add(
    (next) => (args) => {
      Object.assign((args.request as { headers: object }).headers, headers)
      return next(args)
    },
    { step: 'build', name: 'headers' },
  )
  return client
}
