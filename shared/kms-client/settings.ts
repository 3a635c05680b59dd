/**
 * SEALCAST_KMS: which KMS gateways and workers ask. AWS KMS is used when it is named, never because
 * credentials happen to lie around.
 */

import type { SettingReader } from '#shared/config'

export type KmsSettings = { readonly acceptsUnsafe: boolean } & (
  | { readonly kind: 'local'; readonly endpoint: string }
  /** Endpoint, credentials and FIPS are the SDK's to find, in the AWS_* variables and in ~/.aws. */
  | { readonly kind: 'aws' }
)

/** For the log of a process that is started with SEALCAST_DEV_UNSAFE_KMS=1. */
export const UNSAFE_KMS_ADVICE =
  'SEALCAST_DEV_UNSAFE_KMS=1: data keys may rest in clear beside what they seal, so whoever reads Redis may read every body. For development only'

/** Reads the settings; gateways and workers read the same ones. */
export function readKmsSettings(read: Pick<SettingReader, 'oneOf' | 'text'>): KmsSettings {
  const acceptsUnsafe = read.oneOf('SEALCAST_DEV_UNSAFE_KMS', ['0', '1'], { default: '0' }) === '1'
  const endpoint = read.text('SEALCAST_KMS_ENDPOINT', { default: 'http://127.0.0.1:4599' })
  const kind = read.oneOf('SEALCAST_KMS', ['local', 'aws'], { default: 'local' })
  return kind === 'aws' ? { kind, acceptsUnsafe } : { kind, endpoint, acceptsUnsafe }
}
