/**
 * The framework's checks of AWS Query services, with all that is wrong told at once:
 * `2 validation errors detected: Value 'x' at 'roleSessionName' failed to satisfy constraint: …; …`
 */

import { echo, ValidationError } from '#shared/sns-wire'

export interface Constraint {
  /** In lower camel case, as the texts name it. */
  readonly member: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: RegExp
  /** As AWS writes the pattern. */
  readonly patternText?: string
  /** The value is not repeated: it may be a secret, or a policy. */
  readonly hidden?: boolean
}

/** @returns what is wrong with the value; the first constraint it breaks is enough to find it */
export function violationOf(value: string, constraint: Constraint): string | undefined {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern } = constraint
  const characters = [...value].length
  if (characters < minLength)
    return describe(value, constraint, `Member must have length greater than or equal to ${minLength}`)
  if (characters > maxLength)
    return describe(value, constraint, `Member must have length less than or equal to ${maxLength}`)
  if (pattern === undefined || pattern.test(value)) return undefined
  const shown = constraint.patternText ?? pattern.source
  return describe(value, constraint, `Member must satisfy regular expression pattern: ${shown}`)
}

/** @returns what is wrong with a whole number that must lie between the two */
export function rangeViolationOf(value: string, o: { member: string; min: number; max: number }): string | undefined {
  const number = /^-?\d{1,9}$/.test(value) ? Number(value) : Number.NaN
  if (number >= o.min && number <= o.max) return undefined
  const rule = number > o.max ? `less than or equal to ${o.max}` : `greater than or equal to ${o.min}`
  return describe(value, o, `Member must have value ${rule}`)
}

export function missing(member: string): string {
  return `Value null at '${member}' failed to satisfy constraint: Member must not be null`
}

/** @throws {ValidationError} when there is any */
export function refuseViolations(violations: readonly (string | undefined)[]): void {
  const found = violations.filter((violation) => violation !== undefined)
  if (found.length === 0) return
  const count = found.length === 1 ? '1 validation error' : `${found.length} validation errors`
  // A request may have fifty bad tags of hundreds of characters.
  throw new ValidationError(`${count} detected: ${found.slice(0, 10).join('; ')}`)
}

function describe(value: string, { member, hidden }: { member: string; hidden?: boolean }, rule: string): string {
  return `Value '${hidden ? '***' : echo(value)}' at '${member}' failed to satisfy constraint: ${rule}`
}
