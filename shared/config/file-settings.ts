/**
 * Settings that are secrets may lie in files: `NAME_FILE` names one whose content is the value of `NAME`.
 *
 * An environment is shown by `docker inspect`, inherited by children and copied into crash reports; a file has an
 * owner and a mode.
 */

import { readFileSync } from 'node:fs'
import { ConfigError } from './errors.ts'
import type { Environment } from './settings.ts'

/** Redis URLs hold passwords; all else that is secret lies in SEALCAST_SECRETS_DIR anyway. */
const MAY_LIE_IN_FILES = ['SEALCAST_REDIS_URL']

/**
 * The environment with what lies in files put in place. A line end after the value is no part of it.
 *
 * @throws {ConfigError} when a variable is set both ways, or its file cannot be read or is empty; without the content
 */
export function withFileSettings(env: Environment): Environment {
  const found: Record<string, string> = {}
  const problems: string[] = []
  for (const name of MAY_LIE_IN_FILES) {
    const file = env[`${name}_FILE`]
    if (!file) continue
    if (env[name]) problems.push(`${name} and ${name}_FILE must not both be set`)
    const value = readValue(file)
    if (value) found[name] = value
    else problems.push(`${name}_FILE must name a readable file that is not empty, current value is ${file}`)
  }
  if (problems.length > 0) throw new ConfigError(`Cannot start: ${problems.join('; ')}`)
  return { ...env, ...found }
}

function readValue(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    // The caller names the file; why it cannot be read is for whoever may look at it.
    return undefined
  }
}
