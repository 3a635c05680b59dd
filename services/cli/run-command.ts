/**
 * Runs one command line: finds the command, runs it, and turns what it throws into one line on standard
 * error and an exit code.
 *
 * | code | |
 * |---|---|
 * | 0 | done |
 * | 1 | something failed that nobody here foresaw (disk full, no permission), or what was to be done is done in part |
 * | 2 | refused: the command line, a setting or the state of things does not allow it; nothing was changed |
 *
 * `preflight`, which changes nothing, says with 1 that something would be refused, and with 2 that it cannot tell.
 */

import { Command, CommanderError } from 'commander'
import { systemClock } from '#shared/clock'
import type { Environment } from '#shared/config'
import { BrokerError, describeError } from '#shared/errors'
import { addEstimateCommand } from './commands/estimate.ts'
import { addKeysCommand } from './commands/keys.ts'
import { addKmsCommand } from './commands/kms.ts'
import { addKmsUsageCommand } from './commands/kms-usage.ts'
import { addPreflightCommand } from './commands/preflight.ts'
import { addPrincipalsCommand } from './commands/principals.ts'
import { addTopCommand } from './commands/top.ts'
import {
  readCliConfig,
  readKeysConfig,
  readKmsCallsConfig,
  readLiveEstimateConfig,
  readPreflightConfig,
  readTopConfig,
} from './config.ts'
import { VerdictError } from './preflight/errors.ts'
import type { TerminalStreams } from './top/terminal.ts'

export interface Surroundings {
  env: Environment
  /** All of it; asked for only by commands that need it. */
  readStandardInput: () => Promise<string>
  writeOutput: (text: string) => void
  writeError: (text: string) => void
  /** Where somebody sits before it. */
  terminal?: TerminalStreams | undefined
}

const DONE = 0
const FAILED = 1
const REFUSED = 2

/**
 * @param words the command line without interpreter and script
 * @returns the exit code
 */
export async function runCommand(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const { env, readStandardInput, writeOutput, writeError } = surroundings
  const program = new Command('sealcast')
    .description('Operates a Sealcast deployment.')
    .exitOverride()
    .configureOutput({
      writeOut: writeOutput,
      writeErr: writeError,
      // A suggestion comes on a second line; scripts and logs want one.
      outputError: (text, write) => write(`${text.trim().replaceAll(/\s*\n\s*/g, ' ')}\n`),
    })
  addPrincipalsCommand(program, { readConfig: () => readCliConfig(env), readStandardInput, writeOutput })
  addKmsCommand(program, { readConfig: () => readKmsCallsConfig(env), clock: systemClock, writeOutput })
  addKmsUsageCommand(program, { readConfig: () => readKmsCallsConfig(env), clock: systemClock, writeOutput })
  addKeysCommand(program, { readConfig: () => readKeysConfig(env), writeOutput, writeError })
  addEstimateCommand(program, {
    readConfig: () => readLiveEstimateConfig(env),
    readStandardInput,
    clock: systemClock,
    writeOutput,
    writeError,
  })
  addPreflightCommand(program, { readConfig: () => readPreflightConfig(env), writeOutput, writeError })
  addTopCommand(program, {
    readConfig: (urls) => readTopConfig(env, urls),
    terminal: surroundings.terminal,
    clock: systemClock,
    writeOutput,
  })
  try {
    await program.parseAsync(words, { from: 'user' })
    return DONE
  } catch (error) {
    // Commander has written its own line, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : REFUSED
    if (error instanceof VerdictError) return error.exitCode
    writeError(`sealcast: ${describeError(error).message}\n`)
    return error instanceof BrokerError ? REFUSED : FAILED
  }
}
