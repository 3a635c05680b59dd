/** The framework's null check of AWS Query services: a required member that is absent. */

import { InvalidParameterError, memberNotNull, type Parameters } from '#shared/sns-wire'

/** @throws {ValidationError} with the field in lower camel case, as recorded from SNS */
export function requireParameter(parameters: Parameters, name: string): string {
  const value = parameters.get(name)
  if (value !== undefined) return value
  throw memberNotNull(name.charAt(0).toLowerCase() + name.slice(1))
}

/** Reads `true`/`false` in any case. @throws {InvalidParameterError} for anything else */
export function readBoolean(parameters: Parameters, name: string): boolean {
  const value = parameters.get(name)?.toLowerCase()
  if (value === undefined || value === 'false') return false
  if (value === 'true') return true
  throw new InvalidParameterError(`Invalid parameter: ${name}`)
}
