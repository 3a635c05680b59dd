/**
 * Reads JSON as a policy needs it: what `JSON.parse` would silently drop or reinterpret is refused.
 *
 * A name given twice is an error, since two readers could each obey another one. Objects are Maps, so that `__proto__` is a
 * name like any other. Numbers keep their digits: a condition compares text. Nesting is limited before it is recursed into.
 *
 * Grammar: RFC 8259.
 */

import { MalformedPolicyError } from './errors.ts'

export type Json = string | boolean | null | JsonNumber | readonly Json[] | JsonObject
export type JsonObject = ReadonlyMap<string, Json>

/** A number as it was written. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A policy needs five levels: document, list of statements, statement, condition, operator, list of values. */
const MAX_DEPTH = 12
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
/** Up to the next character that ends or interrupts a string. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these in strings
const PLAIN = /[^"\\\u0000-\u001f]*/y
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/** @throws {MalformedPolicyError} `not-json`, `duplicate-element` or `too-deep` */
export function readJson(text: string): Json {
  const reader = new Reader(text)
  return reader.readDocument()
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  readDocument(): Json {
    const value = this.#readValue('', 0)
    this.#skipSpace()
    if (this.#at !== this.#text.length) throw this.#notJson()
    return value
  }

  #readValue(place: string, depth: number): Json {
    if (depth > MAX_DEPTH) throw new MalformedPolicyError('too-deep', place)
    this.#skipSpace()
    switch (this.#text[this.#at]) {
      case '{':
        return this.#readObject(place, depth)
      case '[':
        return this.#readArray(place, depth)
      case '"':
        return this.#readString()
      case 't':
        return this.#readWord('true', true)
      case 'f':
        return this.#readWord('false', false)
      case 'n':
        return this.#readWord('null', null)
      default:
        return this.#readNumber()
    }
  }

  #readObject(place: string, depth: number): JsonObject {
    const object = new Map<string, Json>()
    this.#at++
    if (this.#accept('}')) return object
    do {
      this.#skipSpace()
      const name = this.#readString()
      const inner = place === '' ? name : `${place}.${name}`
      if (object.has(name)) throw new MalformedPolicyError('duplicate-element', inner)
      if (!this.#accept(':')) throw this.#notJson()
      object.set(name, this.#readValue(inner, depth + 1))
    } while (this.#accept(','))
    if (!this.#accept('}')) throw this.#notJson()
    return object
  }

  #readArray(place: string, depth: number): Json[] {
    const array: Json[] = []
    this.#at++
    if (this.#accept(']')) return array
    do array.push(this.#readValue(`${place}[${array.length}]`, depth + 1))
    while (this.#accept(','))
    if (!this.#accept(']')) throw this.#notJson()
    return array
  }

  #readString(): string {
    if (this.#text[this.#at] !== '"') throw this.#notJson()
    this.#at++
    let value = ''
    for (;;) {
      value += this.#take(PLAIN)
      const end = this.#text[this.#at++]
      if (end === '"') break
      if (end !== '\\') throw this.#notJson()
      value += this.#readEscape()
    }
    // Half a surrogate pair has no UTF-8 form, so it could not be stored and read back as it was.
    if (!value.isWellFormed()) throw this.#notJson()
    return value
  }

  #readEscape(): string {
    const letter = this.#text[this.#at++] ?? ''
    if (letter === 'u') {
      const digits = this.#text.slice(this.#at, this.#at + 4)
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#notJson()
      this.#at += 4
      return String.fromCharCode(Number.parseInt(digits, 16))
    }
    const character = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined
    if (character === undefined) throw this.#notJson()
    return character
  }

  #readNumber(): JsonNumber {
    const text = this.#take(NUMBER)
    if (text === '') throw this.#notJson()
    return new JsonNumber(text)
  }

  #readWord<T extends Json>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#notJson()
    this.#at += word.length
    return value
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const taken = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += taken.length
    return taken
  }

  #accept(character: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #skipSpace(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? 'x')) this.#at++
  }

  #notJson(): MalformedPolicyError {
    return new MalformedPolicyError('not-json', `character ${Math.min(this.#at, this.#text.length)}`)
  }
}
