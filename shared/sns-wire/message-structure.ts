/**
 * `MessageStructure=json`: one message that holds a text for each protocol, and a `default` for the rest.
 *
 * The whole JSON text is what is measured, stored and sealed; a protocol's own text is taken out of it at delivery. Checked
 * once when it is published, so that nobody finds at delivery that there is nothing to deliver. SNS API reference, Publish.
 */

import { InvalidParameterError } from './errors.ts'

/**
 * Returns `json` when the message has a text for each protocol, undefined when it is the one text for all.
 *
 * @throws {InvalidParameterError} for another structure, a message that is no JSON object, or one without a default text
 */
export function checkMessageStructure(structure: string | undefined, message: string): 'json' | undefined {
  if (structure === undefined) return undefined
  if (structure !== 'json') throw new InvalidParameterError('Invalid parameter: MessageStructure')
  const fallback = ownValue(parseTexts(message), 'default')
  // Other values are rendered as JSON text, which a reader of SNS's documentation would not expect, but gets.
  if (fallback === undefined || (typeof fallback === 'object' && fallback !== null)) {
    throw new InvalidParameterError('Invalid parameter: Message Structure - No default entry in JSON message body')
  }
  return structure
}

/**
 * What subscribers of one protocol receive: its own text if that is a string, possibly empty, else the default.
 *
 * @param structure as published and checked
 * @param protocol as SNS names it, e.g. `https`
 * @throws {InvalidParameterError} when the message was not checked: it is no JSON object
 */
export function selectMessage(message: string, structure: string | undefined, protocol: string): string {
  if (structure !== 'json') return message
  const texts = parseTexts(message)
  const own = ownValue(texts, protocol)
  if (typeof own === 'string') return own
  const fallback = ownValue(texts, 'default')
  if (typeof fallback === 'string') return fallback
  return typeof fallback === 'number' ? defaultNumber(message) : JSON.stringify(fallback ?? null)
}

/** JSON.parse keeps the last of several equal keys, and makes `__proto__` a key like any other. */
function parseTexts(message: string): object {
  let parsed: unknown
  try {
    parsed = JSON.parse(message)
  } catch {
    // Its error repeats a part of the message.
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed
  throw new InvalidParameterError('Invalid parameter: Message Structure - JSON message body failed to parse')
}

function ownValue(texts: object, key: string): unknown {
  return Object.hasOwn(texts, key) ? Reflect.get(texts, key) : undefined
}

/** Strings, the brackets that nest, and numbers: what has to be told apart to find the default in valid JSON. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]|-?[0-9][0-9.eE+-]*/gs

/**
 * The default as it was spelled: a double would cut 20-digit ids and turn 1e400 into infinity. JSON.parse with a reviver,
 * which could tell, recurses and overflows the stack on deep nesting.
 */
function defaultNumber(message: string): string {
  let depth = 0
  let key = ''
  let before = ''
  let found = ''
  for (const [token] of message.matchAll(TOKEN)) {
    if (token === '{' || token === '[') depth++
    else if (token === '}' || token === ']') depth--
    else if (depth === 1 && token === ':') key = before
    else if (depth === 1 && before === ':' && JSON.parse(key) === 'default') found = token
    before = token
  }
  return found
}
