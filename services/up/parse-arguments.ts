/** What is typed after `npm run up --`. An argument wins over the variable that says the same. */

import { parseArgs } from 'node:util'
import type { Environment } from '#shared/config'
import { MAX_PROCESSES } from './config.ts'

export type Arguments =
  | { kind: 'run'; settings: Environment }
  | { kind: 'prepare-compose' }
  | { kind: 'help' }
  /** @param text one line */
  | { kind: 'refused'; text: string }

const OPTIONS = {
  gateways: { variable: 'SEALCAST_GATEWAYS', least: 1 },
  workers: { variable: 'SEALCAST_WORKERS', least: 0 },
} as const

export function parseArguments(args: readonly string[]): Arguments {
  const options = {
    gateways: { type: 'string' },
    workers: { type: 'string' },
    'prepare-compose': { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  } as const
  // Not strict: its own messages are several sentences long and know nothing of our help.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  const settings: Record<string, string> = {}
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    const given = args[token.index] ?? ''
    if (token.kind === 'positional') return refused(given)
    if (token.name === 'help') return { kind: 'help' }
    if (token.name === 'prepare-compose') return { kind: 'prepare-compose' }
    if (token.name !== 'gateways' && token.name !== 'workers') return refused(given)
    const value = token.value ?? ''
    const { variable, least } = OPTIONS[token.name]
    if (!/^\d{1,3}$/.test(value) || Number(value) < least || Number(value) > MAX_PROCESSES) {
      return { kind: 'refused', text: `--${token.name} must be a number from ${least} to ${MAX_PROCESSES}` }
    }
    settings[variable] = String(Number(value))
  }
  return { kind: 'run', settings }
}

function refused(given: string): Arguments {
  return { kind: 'refused', text: `Unknown argument ${given.split('=')[0]}; --help says what there is` }
}
