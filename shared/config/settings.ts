/**
 * Reads settings from environment variables, once, into a frozen object.
 *
 * Every problem is collected before one ConfigError names them all. A value is shown in the error
 * only for numbers and choices; text settings may hold passwords (a Redis URL does), so theirs is not.
 * An empty variable counts as unset, as shells write `X= command` to say so.
 */

import { ConfigError } from './errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface SettingReader {
  text(name: string, options: { default: string }): string
  optionalText(name: string): string | undefined
  requiredText(name: string): string
  integer(name: string, options: { default: number; min: number; max: number }): number
  optionalInteger(name: string, options: { min: number; max: number }): number | undefined
  oneOf<const T extends string>(name: string, choices: readonly T[], options: { default: T }): T
  /** Comma-separated; empty items are dropped. */
  list(name: string, options: { default: readonly string[] }): readonly string[]
  /** Refuses a value for a reason that only the caller knows. */
  refuse(name: string, reason: string): void
}

/**
 * @param env usually `process.env`, read in main.ts alone
 * @param read builds the settings from the reader
 * @throws {ConfigError} naming every variable that is missing or bad
 */
export function readSettings<T extends object>(env: Environment, read: (reader: SettingReader) => T): Readonly<T> {
  const problems: string[] = []
  const settings = read(createReader(env, problems))
  if (problems.length > 0) throw new ConfigError(`Cannot start: ${problems.join('; ')}`)
  return Object.freeze(settings)
}

function createReader(env: Environment, problems: string[]): SettingReader {
  const find = (name: string): string | undefined => env[name] || undefined
  const parseInteger = (name: string, value: string, { min, max }: { min: number; max: number }): number => {
    const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN
    if (!(number >= min && number <= max)) {
      problems.push(`${name} must be a whole number from ${min} to ${max}, current value is ${value}`)
      return min
    }
    return number
  }
  return {
    text: (name, options) => find(name) ?? options.default,
    optionalText: find,
    requiredText(name) {
      const value = find(name)
      if (value === undefined) problems.push(`${name} is required`)
      return value ?? ''
    },
    integer(name, options) {
      const value = find(name)
      return value === undefined ? options.default : parseInteger(name, value, options)
    },
    optionalInteger(name, options) {
      const value = find(name)
      return value === undefined ? undefined : parseInteger(name, value, options)
    },
    oneOf(name, choices, options) {
      const value = find(name)
      if (value === undefined) return options.default
      const choice = choices.find((candidate) => candidate === value)
      if (choice === undefined) problems.push(`${name} must be one of ${choices.join(', ')}, current value is ${value}`)
      return choice ?? options.default
    },
    list(name, options) {
      const value = find(name)
      if (value === undefined) return options.default
      return value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
    },
    refuse(name, reason) {
      problems.push(`${name} ${reason}`)
    },
  }
}
