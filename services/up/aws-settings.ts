/**
 * Which AWS_* variables the services get.
 *
 * None, unless AWS KMS was asked for: credentials that happen to lie around must never decide anything.
 * With AWS KMS they are the broker's, all but those that a sourced `env` of this very stack has set: they
 * are its clients', lead to its own gateway, and mean nothing to AWS.
 */

import type { Environment } from '#shared/config'

/** What `env` sets and must not reach AWS; its region does no harm. */
const OF_CLIENTS: ReadonlySet<string> = new Set([
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_ENDPOINT_URL_SNS',
  'AWS_ENDPOINT_URL_SQS',
  'AWS_ENDPOINT_URL_STS',
  'AWS_ENDPOINT_URL_KMS',
  'AWS_CA_BUNDLE',
])

/** @param o.clientAccessKeyId the one that `env` exports */
export function awsSettings(env: Environment, o: { kms: 'local' | 'aws'; clientAccessKeyId: string }): Environment {
  if (o.kms === 'local') return {}
  const isSourced = env.AWS_ACCESS_KEY_ID === o.clientAccessKeyId
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name.startsWith('AWS_') && !(isSourced && OF_CLIENTS.has(name))),
  )
}
