/** Settings of the `sealcast` command, from the same variables as the services'. */

import { join } from 'node:path'
import { type Environment, readSettings } from '#shared/config'

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
