/** The settings of the KMS process. */

import { type Environment, readSettings } from '#shared/config'

export interface KmsConfig {
  readonly host: string
  readonly port: number
  readonly tls: { readonly certificateFile: string; readonly keyFile: string } | undefined
  readonly dir: string
  readonly secretsDir: string
  readonly principalsFile: string
  readonly metricsHost: string
  readonly metricsPort: number
  /** Of the fault controls, on 127.0.0.1; undefined: there are none. */
  readonly adminPort: number | undefined
  readonly account: string
}

/** @throws {ConfigError} naming every bad variable */
export function readKmsConfig(env: Environment): KmsConfig {
  return readSettings(env, (read): KmsConfig => {
    const host = read.text('SEALCAST_KMS_HOST', { default: '127.0.0.1' })
    const certificateFile = read.optionalText('SEALCAST_KMS_TLS_CERT_FILE')
    const keyFile = read.optionalText('SEALCAST_KMS_TLS_KEY_FILE')
    const tls = certificateFile && keyFile ? { certificateFile, keyFile } : undefined
    if (tls === undefined && (certificateFile || keyFile)) {
      read.refuse('SEALCAST_KMS_TLS_CERT_FILE', 'and SEALCAST_KMS_TLS_KEY_FILE must be set together')
    }
    if (tls === undefined && !isLoopback(host)) {
      // Plaintext data keys cross this wire.
      read.refuse('SEALCAST_KMS_HOST', 'must be a loopback address unless TLS is set up')
    }
    const account = read.text('SEALCAST_ACCOUNT_ID', { default: '000000000000' })
    if (!/^\d{12}$/.test(account)) read.refuse('SEALCAST_ACCOUNT_ID', 'must be 12 digits')
    return {
      host,
      port: read.integer('SEALCAST_KMS_PORT', { default: 4599, min: 0, max: 65_535 }),
      tls,
      dir: read.requiredText('SEALCAST_KMS_DIR'),
      secretsDir: read.requiredText('SEALCAST_SECRETS_DIR'),
      principalsFile: read.requiredText('SEALCAST_PRINCIPALS_FILE'),
      metricsHost: read.text('SEALCAST_METRICS_HOST', { default: '127.0.0.1' }),
      metricsPort: read.integer('SEALCAST_METRICS_PORT', { default: 9466, min: 0, max: 65_535 }),
      adminPort: read.optionalInteger('SEALCAST_KMS_ADMIN_PORT', { min: 0, max: 65_535 }),
      account,
    }
  })
}

/** By address, or the one name that always means it: any other name is whatever a resolver says. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
