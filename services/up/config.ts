/** The settings of `up` itself. What it does not know, it hands on to the services unread. */

import { isAbsolute, resolve } from 'node:path'
import { type Environment, readSettings } from '#shared/config'

/** Gateways, and workers; above this one machine does not gain any more. */
export const MAX_PROCESSES = 32

/** Whether several processes can listen on one port: `reusePort`, which shares its connections out between them. */
export const SHARES_PORTS = process.platform === 'linux'

export type UpConfig = ReturnType<typeof readUpConfig>

/**
 * @param cwd what a relative SEALCAST_HOME is relative to
 * @throws {ConfigError} naming every bad variable
 */
export function readUpConfig(env: Environment, cwd: string) {
  return readSettings(env, (read) => {
    const port = (name: string, standard: number, highest = 65_535) =>
      read.integer(name, { default: standard, min: 0, max: highest })
    const path = (name: string) => {
      const value = read.optionalText(name)
      return value === undefined || isAbsolute(value) ? value : resolve(cwd, value)
    }
    const account = read.text('SEALCAST_ACCOUNT_ID', { default: '000000000000' })
    if (!/^\d{12}$/.test(account)) read.refuse('SEALCAST_ACCOUNT_ID', 'must be 12 digits')
    const publicUrl = read.optionalText('SEALCAST_PUBLIC_URL')
    if (publicUrl !== undefined && !/^https?:$/.test(URL.parse(publicUrl)?.protocol ?? '')) {
      read.refuse('SEALCAST_PUBLIC_URL', 'must be an http or https URL')
    }
    const region = read.text('SEALCAST_REGION', { default: 'us-east-1' })
    if (!/^[a-z0-9-]{1,32}$/.test(region)) read.refuse('SEALCAST_REGION', 'must be a region, such as us-east-1')
    // The gateway would refuse whatever is signed with what `env` says.
    const regions = read.list('SEALCAST_REGIONS', { default: [] })
    if (regions.length > 0 && !regions.includes(region)) {
      read.refuse('SEALCAST_REGIONS', `must include SEALCAST_REGION, which is ${region}`)
    }
    const tlsCertificateFile = path('SEALCAST_TLS_CERT_FILE')
    const tlsKeyFile = path('SEALCAST_TLS_KEY_FILE')
    if ((tlsCertificateFile === undefined) !== (tlsKeyFile === undefined)) {
      read.refuse('SEALCAST_TLS_CERT_FILE', 'and SEALCAST_TLS_KEY_FILE must be set together')
    }
    const gateways = read.integer('SEALCAST_GATEWAYS', { default: 1, min: 1, max: MAX_PROCESSES })
    if (gateways > 1 && !SHARES_PORTS) {
      read.refuse('SEALCAST_GATEWAYS', 'must be 1 here: only on Linux do several gateways share a port')
    }
    // None, where they are started elsewhere.
    const workers = read.integer('SEALCAST_WORKERS', { default: 1, min: 0, max: MAX_PROCESSES })
    return {
      gateways,
      workers,
      kms: read.oneOf('SEALCAST_KMS', ['local', 'aws'], { default: 'local' }),
      home: path('SEALCAST_HOME') ?? resolve(cwd, '.sealcast'),
      account,
      region,
      publicUrl,
      gatewayHost: read.text('SEALCAST_GATEWAY_HOST', { default: '127.0.0.1' }),
      gatewayPort: port('SEALCAST_GATEWAY_PORT', 4443),
      httpPort: read.optionalInteger('SEALCAST_HTTP_PORT', { min: 0, max: 65_535 }),
      kmsHost: read.text('SEALCAST_KMS_HOST', { default: '127.0.0.1' }),
      kmsPort: port('SEALCAST_KMS_PORT', 4599),
      kmsAdminPort: port('SEALCAST_KMS_ADMIN_PORT', 4598),
      kmsUsesTls: read.optionalText('SEALCAST_KMS_TLS_CERT_FILE') !== undefined,
      redisPort: port('SEALCAST_REDIS_PORT', 4379),
      redisUrl: read.optionalText('SEALCAST_REDIS_URL'),
      /** The first gateway's; the first worker, the KMS, and then all others take the next ones. */
      metricsPort: port('SEALCAST_METRICS_PORT', 9464, 65_535 - gateways - workers),
      // Set, these win over what `up` would make itself.
      tlsFiles: tlsCertificateFile && tlsKeyFile ? { certificate: tlsCertificateFile, key: tlsKeyFile } : undefined,
      secretsDir: path('SEALCAST_SECRETS_DIR'),
      principalsFile: path('SEALCAST_PRINCIPALS_FILE'),
      subscriberCaFile: path('SEALCAST_SUBSCRIBER_CA_FILE'),
      kmsDir: path('SEALCAST_KMS_DIR'),
      // The services end what is in flight within this; only then are they killed.
      shutdownMs: read.integer('SEALCAST_SHUTDOWN_MS', { default: 10_000, min: 0, max: 600_000 }),
    }
  })
}
