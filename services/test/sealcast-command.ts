/** Runs the `sealcast` command against a stack, as its operator would: with `env` sourced. */

import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import type { Stack } from './start-stack.ts'

export interface CommandResult {
  readonly code: number
  readonly output: string
  readonly errors: string
}

const MAIN = join(dirname(import.meta.dirname), 'cli', 'main.ts')
const DEADLINE_MS = 60_000

export function runSealcast(stack: Stack, ...words: string[]): Promise<CommandResult> {
  const env = { PATH: process.env.PATH, ...stack.env, SEALCAST_HOME: stack.home }
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...words], { env, timeout: DEADLINE_MS }, (error, output, errors) => {
      resolve({ code: error === null ? 0 : Number(error.code), output, errors })
    })
  })
}
