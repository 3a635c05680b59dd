/** The gateway's settings, read once from the environment. */

import { type Environment, readSettings } from '#shared/config'
import { readEndpointNetworks } from '#shared/endpoint-guard'
import { readKmsSettings } from '#shared/kms-client'

export type GatewayConfig = ReturnType<typeof readGatewayConfig>

/** @throws {ConfigError} naming every variable that is missing or bad */
export function readGatewayConfig(env: Environment) {
  return readSettings(env, (read) => {
    const threads = read.integer('SEALCAST_GATEWAY_THREADS', { default: 1, min: 1, max: 64 })
    // Elsewhere the kernel shares no port's connections out.
    if (threads > 1 && process.platform !== 'linux') read.refuse('SEALCAST_GATEWAY_THREADS', 'above 1 needs Linux')
    return {
      threads,
      // Nothing listens beyond loopback unless told to.
      host: read.text('SEALCAST_GATEWAY_HOST', { default: '127.0.0.1' }),
      port: read.integer('SEALCAST_GATEWAY_PORT', { default: 4443, min: 0, max: 65_535 }),
      httpPort: read.optionalInteger('SEALCAST_HTTP_PORT', { min: 0, max: 65_535 }),
      tlsCertificateFile: read.requiredText('SEALCAST_TLS_CERT_FILE'),
      tlsKeyFile: read.requiredText('SEALCAST_TLS_KEY_FILE'),
      redisUrl: read.requiredText('SEALCAST_REDIS_URL'),
      kms: readKmsSettings(read),
      secretsDir: read.requiredText('SEALCAST_SECRETS_DIR'),
      principalsFile: read.requiredText('SEALCAST_PRINCIPALS_FILE'),
      // Beyond loopback whoever reaches it reads the names of topics and keys.
      metricsHost: read.text('SEALCAST_METRICS_HOST', { default: '127.0.0.1' }),
      metricsPort: read.integer('SEALCAST_METRICS_PORT', { default: 9464, min: 0, max: 65_535 }),
      /** Whoever starts the process that replaces this one sets it. */
      metricsReusePort: read.oneOf('SEALCAST_METRICS_REUSE_PORT', ['0', '1'], { default: '0' }) === '1',
      /** Empty: any region a request names in its credential scope. */
      regions: read.list('SEALCAST_REGIONS', { default: [] }),
      /** Where endpoints may be; refused early here, in earnest by the workers. */
      endpointNetworks: readEndpointNetworks(read),
      partitions: read.integer('SEALCAST_PARTITIONS', { default: 16, min: 1, max: 1024 }),
      // 300 s is the promise of SNS's encryption guide, so it is also the ceiling.
      dataKeyReuseMs: 1000 * read.integer('SEALCAST_DATA_KEY_REUSE_SECONDS', { default: 300, min: 1, max: 300 }),
      redisWait: {
        /** On so many replicas must a write be before it is acknowledged. */
        replicas: read.integer('SEALCAST_REDIS_WAIT_REPLICAS', { default: 0, min: 0, max: 100 }),
        // Below the command timeout of the connection, whose other commands stand behind a wait.
        timeoutMs: read.integer('SEALCAST_REDIS_WAIT_TIMEOUT_MS', { default: 1000, min: 1, max: 1500 }),
      },
      // 1,024 at 10,000 publishes a second are a tenth of a second of latency: loadtest/overload.
      maxRequestsInFlight: read.integer('SEALCAST_MAX_REQUESTS_IN_FLIGHT', { default: 1024, min: 1, max: 1_000_000 }),
      /** Fewer where the process may open fewer files. */
      maxConnections: read.integer('SEALCAST_MAX_CONNECTIONS', { default: 20_000, min: 1, max: 1_000_000 }),
      shutdownMs: read.integer('SEALCAST_SHUTDOWN_MS', { default: 10_000, min: 0, max: 600_000 }),
    }
  })
}
