/**
 * Parses a JSON document against a schema. The one place that knows zod.
 *
 * Errors name the place and what was expected, never the value found there: these documents hold
 * secrets.
 */

import { z } from 'zod'
import { DocumentError } from './errors.ts'

/** Builds schemas; zod under a name of ours. */
export { z as schema }
export type SchemaOf<T extends z.ZodType> = z.output<T>

/**
 * @param name how the document is called in errors, e.g. `principals file`
 * @throws {DocumentError} when the text is no JSON or does not fit
 */
export function parseDocument<T extends z.ZodType>(name: string, expected: T, text: string): z.output<T> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text around the fault, which may be a secret.
    throw new DocumentError(`Cannot read the ${name}: it is not JSON`)
  }
  const parsed = expected.safeParse(value)
  if (parsed.success) return parsed.data
  const places = parsed.error.issues.map(
    (issue) => `${issue.path.map(String).join('.') || 'top level'} (${issue.code})`,
  )
  throw new DocumentError(`Cannot read the ${name}: bad ${places.join(', ')}`)
}
