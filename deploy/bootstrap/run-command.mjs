/** Runs a program and keeps what it printed, to be shown only when it failed; stops it when we end. */

import { spawn } from 'node:child_process'
import process from 'node:process'

/** What is kept of a program's output, in characters: the end says what went wrong. */
const KEPT_CHARACTERS = 64 * 1024

/** @returns `{ ok, output }`; not ok when it exits other than 0 or cannot be started */
export function runCommand(command, args, options = {}) {
  return new Promise((resolve) => {
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_CHARACTERS)
    }
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const stop = () => child.kill()
    process.once('exit', stop)
    child.on('error', (error) => resolve({ ok: false, output: `${output}${error.message}` }))
    child.on('close', (code) => {
      process.removeListener('exit', stop)
      resolve({ ok: code === 0, output })
    })
  })
}
