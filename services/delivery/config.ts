/** The delivery worker's settings, read once from the environment. */

import { type Environment, readSettings } from '#shared/config'
import { readEndpointNetworks } from '#shared/endpoint-guard'
import { readKmsSettings } from '#shared/kms-client'
import { KEY_PROBE_MS } from './limits.ts'

export type DeliveryConfig = ReturnType<typeof readDeliveryConfig>

/** @throws {ConfigError} naming every variable that is missing or bad */
export function readDeliveryConfig(env: Environment) {
  return readSettings(env, (read) => {
    const publicUrl = read.requiredText('SEALCAST_PUBLIC_URL')
    if (publicUrl !== '' && !isBaseUrl(publicUrl)) {
      read.refuse('SEALCAST_PUBLIC_URL', 'must be an http or https URL without query and credentials')
    }
    return {
      redisUrl: read.requiredText('SEALCAST_REDIS_URL'),
      kms: readKmsSettings(read),
      secretsDir: read.requiredText('SEALCAST_SECRETS_DIR'),
      /** The gateway as subscribers see it: base of the URLs that messages carry. */
      publicUrl,
      subscriberCaFile: read.optionalText('SEALCAST_SUBSCRIBER_CA_FILE'),
      /** Where endpoints may be, beside public addresses. */
      endpointNetworks: readEndpointNetworks(read),
      // Beyond loopback whoever reaches it reads the names of topics and keys.
      metricsHost: read.text('SEALCAST_METRICS_HOST', { default: '127.0.0.1' }),
      metricsPort: read.integer('SEALCAST_METRICS_PORT', { default: 9465, min: 0, max: 65_535 }),
      /** Whoever starts the process that replaces this one sets it. */
      metricsReusePort: read.oneOf('SEALCAST_METRICS_REUSE_PORT', ['0', '1'], { default: '0' }) === '1',
      partitions: read.integer('SEALCAST_PARTITIONS', { default: 16, min: 1, max: 1024 }),
      leaseMs: read.integer('SEALCAST_LEASE_MS', { default: 5_000, min: 300, max: 600_000 }),
      /** How long a second of a retry policy takes; only tests shorten it. */
      retrySecondMs: read.integer('SEALCAST_RETRY_SECOND_MS', { default: 1_000, min: 1, max: 1_000 }),
      /** From one probe of a KMS key that does not work to the next; only tests shorten it. */
      keyProbeMs: read.integer('SEALCAST_KEY_PROBE_MS', { default: KEY_PROBE_MS, min: 60, max: KEY_PROBE_MS }),
      // As long as SNS's own retries of a message may last at most.
      backlogMs: 1000 * read.integer('SEALCAST_BACKLOG_SECONDS', { default: 3_600, min: 1, max: 1_209_600 }),
      // SNS gives an endpoint 15 s from connecting to its response.
      attemptTimeoutMs: read.integer('SEALCAST_ATTEMPT_TIMEOUT_MS', { default: 15_000, min: 100, max: 120_000 }),
      shutdownMs: read.integer('SEALCAST_SHUTDOWN_MS', { default: 10_000, min: 0, max: 600_000 }),
    }
  })
}

function isBaseUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return false
  return url.username === '' && url.password === '' && url.search === '' && url.hash === ''
}
