/**
 * The settings of a load test as data: from them come the flags, the keys of scenario files, the checks and the help.
 *
 * A setting has one name in camelCase, `messageBytes`, which a scenario file uses; its flag is `--message-bytes`.
 */

export type Setting<T = unknown> = Base<T> &
  (
    | { readonly kind: 'number' | 'integer'; readonly min: number; readonly max: number }
    | { readonly kind: 'boolean' }
    | { readonly kind: 'text' }
    | { readonly kind: 'choice'; readonly choices: readonly string[] }
    | { readonly kind: 'numbers'; readonly min: number; readonly max: number }
  )

interface Base<T> {
  readonly default: T
  /** What stands for the value in the help, such as `n` or `seconds`. */
  readonly value: string
  readonly help: string
}

export type SettingsSpec = Readonly<Record<string, Setting>>

export type ValuesOf<S extends SettingsSpec> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never }

interface Bounds {
  readonly min: number
  readonly max: number
  readonly value?: string
}

function integer(standard: number, help: string, o: Bounds): Setting<number> {
  return { kind: 'integer', default: standard, help, value: 'n', ...o }
}

function number(standard: number, help: string, o: Bounds): Setting<number> {
  return { kind: 'number', default: standard, help, value: 'n', ...o }
}

/** A flag with `--no-` before it turns off what is on by default. */
function boolean(standard: boolean, help: string): Setting<boolean> {
  return { kind: 'boolean', default: standard, help, value: '' }
}

function text(standard: string, help: string, value = 'text'): Setting<string> {
  return { kind: 'text', default: standard, help, value }
}

function choice<const C extends string>(standard: C, choices: readonly C[], help: string): Setting<C> {
  return { kind: 'choice', default: standard, choices, help, value: choices.join('|') }
}

/** On the command line separated by commas, in a scenario file a list; integers, at least one. */
function numbers(standard: readonly number[], help: string, o: Bounds): Setting<readonly number[]> {
  return { kind: 'numbers', default: standard, help, value: 'n,n', ...o }
}

/** Makers of settings: the default first, then the help text. */
export const setting = { integer, number, boolean, text, choice, numbers }

/** `messageBytes` → `message-bytes`. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
