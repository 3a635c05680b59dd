/**
 * Writes the JSON that subscribers receive, to the byte as SNS does: two spaces, ` : ` between name and value, no newline
 * at the end. `JSON.stringify` cannot be told to do that, and naive subscribers parse it with patterns.
 */

/** The object with its fields in order; values are JSON already. */
export function writeEnvelopeJson(fields: readonly (readonly [name: string, json: string])[]): string {
  return `{\n${fields.map(([name, json]) => `  "${name}" : ${json}`).join(',\n')}\n}`
}

/**
 * A JSON string with as few escapes as JSON allows: quote, backslash, controls. Slashes and everything beyond ASCII stay
 * as they are. Backspace and form feed, for which `JSON.stringify` has short forms, are written as `\u0008`, `\u000c`.
 */
export function jsonString(text: string): string {
  const json = JSON.stringify(text)
  if (!/[\b\f]/.test(text)) return json
  return json.replace(/\\(.)/g, (sequence, letter) =>
    letter === 'b' ? '\\u0008' : letter === 'f' ? '\\u000c' : sequence,
  )
}

/** `2026-09-22T16:49:50.380Z` */
export function isoTimestamp(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
