/** The command line of `npm run bench`. */

import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** Names of rows; empty: all. */
  readonly rows: readonly string[]
  readonly quick: boolean
  /** A missed target is shown but does not fail the run. */
  readonly verdict: boolean
  readonly profile: boolean
  readonly help: boolean
}

/** @throws {TypeError} naming the option that is unknown */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      'no-verdict': { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  return {
    rows: positionals,
    quick: values.quick,
    verdict: !values['no-verdict'],
    profile: values.profile,
    help: values.help,
  }
}
