/**
 * Settings of one run: what the command line says, else the scenario file, else the default. Pure.
 *
 * Everything that is wrong is told at once, each with where it stands and what would be right.
 */

import { flagOf, type Setting, type SettingsSpec, type ValuesOf } from './setting.ts'

export class SettingsError extends Error {
  readonly code = 'LOADTEST_SETTINGS'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** Keys of a scenario file that are not settings. */
const ABOUT_THE_SCENARIO = ['test', 'description']

/**
 * @param flags by name of the flag, as `parseFlags` gives them
 * @param scenario undefined where none was asked for
 * @throws {SettingsError}
 */
export function readSettings<S extends SettingsSpec>(
  spec: S,
  o: {
    test: string
    flags: ReadonlyMap<string, string | true>
    scenario?: { file: string; content: unknown } | undefined
  },
): ValuesOf<S> {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries(spec)) values[name] = setting.default

  if (o.scenario !== undefined) {
    const { file } = o.scenario
    for (const [name, value] of entriesOf(o.scenario.content, o.test, file, problems)) {
      const setting = Object.hasOwn(spec, name) ? spec[name] : undefined
      if (setting === undefined) problems.push(`${file}: ${unknown(name, Object.keys(spec))}`)
      else take(values, name, `${file}: ${name}`, checkValue(setting, value), problems)
    }
  }

  const nameOfFlag = new Map(Object.keys(spec).map((name) => [flagOf(name), name]))
  for (const [flag, raw] of o.flags) {
    const negated = flag.startsWith('no-') ? nameOfFlag.get(flag.slice(3)) : undefined
    const name = nameOfFlag.get(flag) ?? negated
    const setting = name === undefined ? undefined : spec[name]
    if (name === undefined || setting === undefined || (negated === name && setting.kind !== 'boolean')) {
      problems.push(
        unknown(
          `--${flag}`,
          [...nameOfFlag.keys()].map((each) => `--${each}`),
        ),
      )
    } else take(values, name, `--${flag}`, checkFlag(setting, raw, negated === name), problems)
  }
  if (problems.length > 0) throw new SettingsError(problems)
  return values as ValuesOf<S>
}

/**
 * `--name value`, `--name=value` and `--name`; values that look like a flag need the `=`.
 *
 * @throws {SettingsError} for what is no flag
 */
export function parseFlags(args: readonly string[]): Map<string, string | true> {
  const flags = new Map<string, string | true>()
  const problems: string[] = []
  for (let at = 0; at < args.length; at++) {
    const [, name, value] = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(args[at] ?? '') ?? []
    if (name === undefined) {
      problems.push(`${args[at]} is no option`)
      continue
    }
    const next = args[at + 1]
    if (flags.has(name)) problems.push(`--${name} is given twice`)
    if (value !== undefined) flags.set(name, value)
    else if (next !== undefined && !next.startsWith('--')) {
      flags.set(name, next)
      at++
    } else flags.set(name, true)
  }
  if (problems.length > 0) throw new SettingsError(problems)
  return flags
}

type Checked = { readonly value: unknown } | { readonly problem: string }

function take(
  values: Record<string, unknown>,
  name: string,
  where: string,
  checked: Checked,
  problems: string[],
): void {
  if ('problem' in checked) problems.push(`${where} ${checked.problem}`)
  else values[name] = checked.value
}

function entriesOf(content: unknown, test: string, file: string, problems: string[]): [string, unknown][] {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    problems.push(`${file}: must hold one JSON object, current value is ${describe(content)}`)
    return []
  }
  const named = 'test' in content ? content.test : undefined
  if (named !== test) {
    problems.push(`${file}: is for the test ${describe(named)}, not for ${test}: its "test" must be "${test}"`)
  }
  if ('description' in content && typeof content.description !== 'string') {
    problems.push(`${file}: description must be text, current value is ${describe(content.description)}`)
  }
  return Object.entries(content).filter(([name]) => !ABOUT_THE_SCENARIO.includes(name))
}

/** @param raw true: without a value */
function checkFlag(setting: Setting, raw: string | true, negated: boolean): Checked {
  if (setting.kind === 'boolean') {
    if (raw === true) return { value: !negated }
    if (raw === 'true' || raw === 'false') return { value: (raw === 'true') !== negated }
    return { problem: `is on or off and takes no value, current value is ${describe(raw)}` }
  }
  if (raw === true) return { problem: `needs a value: ${setting.value}` }
  if (setting.kind === 'text' || setting.kind === 'choice') return checkValue(setting, raw)
  const parse = (text: string) => (/^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text)
  return checkValue(setting, setting.kind === 'numbers' ? raw.split(',').map(parse) : parse(raw))
}

function checkValue(setting: Setting, value: unknown): Checked {
  const current = `current value is ${describe(value)}`
  switch (setting.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? { value } : { problem: `must be true or false, ${current}` }
    case 'text':
      return typeof value === 'string' ? { value } : { problem: `must be text, ${current}` }
    case 'choice':
      return typeof value === 'string' && setting.choices.includes(value)
        ? { value }
        : { problem: `must be one of ${setting.choices.join(', ')}, ${current}` }
    case 'numbers': {
      const isGood = Array.isArray(value) && value.length > 0 && value.every((each) => isWithin(each, setting, true))
      return isGood
        ? { value }
        : {
            problem: `must be whole numbers from ${show(setting.min)} to ${show(setting.max)}, at least one, ${current}`,
          }
    }
    default: {
      const whole = setting.kind === 'integer'
      const what = whole ? 'a whole number' : 'a number'
      return isWithin(value, setting, whole)
        ? { value }
        : { problem: `must be ${what} from ${show(setting.min)} to ${show(setting.max)}, ${current}` }
    }
  }
}

function isWithin(value: unknown, { min, max }: { min: number; max: number }, whole: boolean): boolean {
  return typeof value === 'number' && value >= min && value <= max && (!whole || Number.isInteger(value))
}

function show(bound: number): string {
  return bound.toLocaleString('en-US', { maximumFractionDigits: 6 })
}

function describe(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value)
}

/** Names the one that was probably meant. */
function unknown(name: string, known: readonly string[]): string {
  const near = known
    .map((candidate) => ({ candidate, steps: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.steps - b.steps)[0]
  const hint =
    near !== undefined && near.steps <= Math.max(2, name.length / 3) ? `; did you mean ${near.candidate}?` : ''
  return `${name} is not known${hint}`
}

/** Levenshtein's: letters to change, add or leave out. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
