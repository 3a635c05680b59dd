/**
 * The environment of a running stack: what `source .sealcast/env` would set. A shell reads it, since
 * it is a shell's file.
 */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { ConfigError, type Environment } from '#shared/config'

export interface StackEnvironment {
  readonly home: string
  readonly variables: Environment
}

/** @throws {ConfigError} when no stack is running on the data directory */
export async function readStackEnvironment(env: Environment): Promise<StackEnvironment> {
  const home = resolve(env.SEALCAST_HOME || '.sealcast')
  const file = join(home, 'env')
  // `up` writes the file last and removes it first: its presence means ready.
  if (!existsSync(file)) {
    throw new ConfigError(`Cannot run the demo: no stack is running on ${home}. Start one with: npm run up`)
  }
  const { stdout } = await promisify(execFile)('sh', ['-c', '. "$0" && env -0', file])
  const pairs = stdout.split('\0').filter((line) => line !== '')
  const variables = pairs.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
  return { home, variables: Object.fromEntries(variables) }
}
