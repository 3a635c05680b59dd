/** One line a step on standard error, with its duration, so that a slow first start explains itself. */

import { performance } from 'node:perf_hooks'
import process from 'node:process'

/** Something the reader can put right; its message says how and is printed without a stack. */
export class BootstrapError extends Error {}

/**
 * Runs one step and prints how it ended.
 *
 * @param work returns `{ did, value }`: what happened, in a few words, and the step's result
 * @returns the value
 */
export async function step(name, work) {
  const startedAt = performance.now()
  try {
    const { did, value } = await work()
    say(`${name}: ${did} (${describeMs(performance.now() - startedAt)})`)
    return value
  } catch (error) {
    say(`${name}: failed (${describeMs(performance.now() - startedAt)})`)
    throw error
  }
}

export function say(line) {
  process.stderr.write(`bootstrap  ${line}\n`)
}

function describeMs(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
