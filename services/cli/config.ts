/** Settings of the `sealcast` command, from the same variables as the services'. */

import { join } from 'node:path'
import { type Environment, readSettings } from '#shared/config'
import { type EndpointNetworks, readEndpointNetworks } from '#shared/endpoint-guard'
import { type KmsSettings, readKmsSettings } from '#shared/kms-client'

export interface CliConfig {
  principalsFile: string
  /** Account of users that are named without an ARN. */
  accountId: string
}

/** @throws {ConfigError} naming every variable that is bad */
export function readCliConfig(env: Environment): Readonly<CliConfig> {
  return readSettings(env, (read) => {
    const home = read.text('SEALCAST_HOME', { default: '.sealcast' })
    const accountId = read.text('SEALCAST_ACCOUNT_ID', { default: '000000000000' })
    if (!/^\d{12}$/.test(accountId)) read.refuse('SEALCAST_ACCOUNT_ID', 'must be 12 digits')
    return {
      principalsFile: read.text('SEALCAST_PRINCIPALS_FILE', { default: join(home, 'principals.json') }),
      accountId,
    }
  })
}

export interface KmsCallsConfig {
  redisUrl: string
  reuseMs: number
}

/** @throws {ConfigError} naming every variable that is bad */
export function readKmsCallsConfig(env: Environment): Readonly<KmsCallsConfig> {
  return readSettings(env, (read) => ({
    redisUrl: read.requiredText('SEALCAST_REDIS_URL'),
    // As the gateways have it: it decides how many requests were to be expected.
    reuseMs: 1000 * read.integer('SEALCAST_DATA_KEY_REUSE_SECONDS', { default: 300, min: 1, max: 300 }),
  }))
}

export interface LiveEstimateConfig {
  redisUrl: string
  secretsDir: string
  reuseSeconds: number
}

/** @throws {ConfigError} naming every variable that is bad */
export function readLiveEstimateConfig(env: Environment): Readonly<LiveEstimateConfig> {
  return readSettings(env, (read) => {
    const home = read.text('SEALCAST_HOME', { default: '.sealcast' })
    return {
      redisUrl: read.requiredText('SEALCAST_REDIS_URL'),
      secretsDir: read.text('SEALCAST_SECRETS_DIR', { default: join(home, 'secrets') }),
      reuseSeconds: read.integer('SEALCAST_DATA_KEY_REUSE_SECONDS', { default: 300, min: 1, max: 300 }),
    }
  })
}

export type PreflightConfig = KeysConfig & { principalsFile: string; networks: EndpointNetworks }

/** @throws {ConfigError} naming every variable that is bad */
export function readPreflightConfig(env: Environment): Readonly<PreflightConfig> {
  const { principalsFile } = readCliConfig(env)
  const networks = readSettings(env, (read) => ({ networks: readEndpointNetworks(read) }))
  return { ...readKeysConfig(env), principalsFile, ...networks }
}

export interface KeysConfig {
  redisUrl: string
  secretsDir: string
  kms: KmsSettings
  /** The broker's own account, and that of keys which are named without one. */
  accountId: string
  /** Of keys that are named without one. */
  region: string
}

/** @throws {ConfigError} naming every variable that is bad */
export function readKeysConfig(env: Environment): Readonly<KeysConfig> {
  // Where a data directory's `env` is sourced it names the local KMS for AWS's tools.
  const kmsEndpoint = env.SEALCAST_KMS_ENDPOINT ?? env.AWS_ENDPOINT_URL_KMS
  return readSettings({ ...env, SEALCAST_KMS_ENDPOINT: kmsEndpoint }, (read) => {
    const home = read.text('SEALCAST_HOME', { default: '.sealcast' })
    const accountId = read.text('SEALCAST_ACCOUNT_ID', { default: '000000000000' })
    if (!/^\d{12}$/.test(accountId)) read.refuse('SEALCAST_ACCOUNT_ID', 'must be 12 digits')
    return {
      redisUrl: read.requiredText('SEALCAST_REDIS_URL'),
      secretsDir: read.text('SEALCAST_SECRETS_DIR', { default: join(home, 'secrets') }),
      kms: readKmsSettings(read),
      accountId,
      region: read.text('SEALCAST_REGION', { default: read.text('AWS_REGION', { default: 'us-east-1' }) }),
    }
  })
}

export interface TopConfig {
  /** Comma-separated. */
  metricsUrls: string
  /** https://no-color.org: any value but an empty one means none. */
  isColored: boolean
}

/**
 * @param urls instead of the setting
 * @throws {ConfigError} naming every variable that is bad
 */
export function readTopConfig(env: Environment, urls: string | undefined): Readonly<TopConfig> {
  return readSettings(env, (read) => ({
    metricsUrls: urls ?? read.requiredText('SEALCAST_METRICS_URLS'),
    isColored: (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb',
  }))
}
