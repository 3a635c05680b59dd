/** The `sealcast` command: what an operator does to a deployment by hand. */

import { text } from 'node:stream/consumers'
import { runCommand } from './run-command.ts'

// Whoever reads the output may have enough of it, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  readStandardInput: () => text(process.stdin),
  writeOutput: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
  terminal: process.stdout.isTTY ? { input: process.stdin, output: process.stdout } : undefined,
})
