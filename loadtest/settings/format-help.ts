/** The help texts, made from the settings so that they cannot say anything else. Pure. */

import type { LoadTest } from '../load-test.ts'
import { OUTPUT_SETTINGS } from './output-settings.ts'
import { flagOf, type Setting, type SettingsSpec } from './setting.ts'

export function formatHelp(tests: readonly LoadTest[]): string {
  return `Usage: npm run loadtest -- <test> [options]

${tests.map(({ name, what }) => `  ${name.padEnd(10)} ${what}`).join('\n')}

npm run loadtest -- <test> --help tells its options.
`
}

export function formatTestHelp({ name, what, settings }: LoadTest): string {
  return `Usage: npm run loadtest -- ${name} [options]

${what}

${optionLines(settings).join('\n')}

${optionLines(OUTPUT_SETTINGS).join('\n')}
`
}

function optionLines(settings: SettingsSpec): string[] {
  const rows = Object.entries(settings).map(
    ([name, setting]) => [`  ${usageOf(name, setting)}`, describe(setting)] as const,
  )
  const width = Math.max(...rows.map(([usage]) => usage.length))
  return rows.map(([usage, text]) => `${usage.padEnd(width)}  ${text}`)
}

function usageOf(name: string, setting: Setting): string {
  const flag = flagOf(name)
  if (setting.kind === 'boolean') return setting.default === true ? `--no-${flag}` : `--${flag}`
  return `--${flag} <${setting.value}>`
}

function describe(setting: Setting): string {
  if (setting.kind === 'boolean' || setting.default === '') return setting.help
  const standard = Array.isArray(setting.default) ? setting.default.join(',') : String(setting.default)
  return `${setting.help} (${standard})`
}
