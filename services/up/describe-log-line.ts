/** Turns what a person should see of a service's log into one readable line; the rest into nothing. */

const SHOWN_LEVELS = new Set(['warn', 'error', 'fatal'])
const LEFT_OUT = new Set(['level', 'time', 'service', 'event', 'alarm', 'error', 'origin', 'frames'])
const LONGEST = 500

/**
 * What Node prints around the one line that names an uncaught error: the place, the source, the frames,
 * the error's fields, its own version.
 */
const AROUND_CRASH = /^(\s|(file|node):\S+:\d+$|}|Node\.js v\d)/

/** @returns undefined for what need not be shown: `info`, empty lines, and all of a crash but what went wrong */
export function describeLogLine(line: string): string | undefined {
  // By far the most lines are these; they are not worth parsing.
  if (line.startsWith('{"level":"info"')) return undefined
  const entry = parse(line)
  // Not from our log: a crash that Node reports, for example.
  if (entry === undefined) return line === '' || AROUND_CRASH.test(line) ? undefined : shorten(line)
  if (!SHOWN_LEVELS.has(String(entry.level))) return undefined
  const level = entry.alarm === true ? 'ALARM' : String(entry.level)
  const fields = Object.entries(entry)
    .filter(([name]) => !LEFT_OUT.has(name))
    .map(([name, value]) => `${name}=${format(value)}`)
  return shorten([level, String(entry.event ?? ''), ...fields, describeError(entry.error)].filter(Boolean).join(' '))
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && 'level' in value ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function describeError(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  const { code, message } = { code: '', message: '', ...error }
  return `(${[code, message].filter(Boolean).join(': ')})`
}

function format(value: unknown): string {
  return typeof value === 'string' && !/[\s"]/.test(value) ? value : JSON.stringify(value)
}

function shorten(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}
