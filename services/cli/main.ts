/** The `sealcast` command: what an operator does to a deployment by hand. */

import { text } from 'node:stream/consumers'
import { runCommand } from './run-command.ts'

process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  readStandardInput: () => text(process.stdin),
  writeOutput: (text) => process.stdout.write(text),
  writeError: (text) => process.stderr.write(text),
})
