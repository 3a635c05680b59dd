/**
 * A request as it goes over the wire: header lines in order, names as written, repeated ones apart. What mutations
 * are made of, since an object with one value a name could not hold half of them.
 */

import { hash } from 'node:crypto'

export interface WireRequest {
  readonly method: string
  readonly path: string
  /** Without the `?`. */
  readonly query: string
  readonly headers: readonly HeaderLine[]
  readonly body: string
}

export type HeaderLine = readonly [name: string, value: string]

/** Values of all lines of that name, in order, as an HTTP parser gives them: without blanks around. */
export function valuesOf(wire: WireRequest, name: string): readonly string[] {
  return wire.headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => trimBlanks(value))
}

/** In place of every line of that name, or at the end where there is none. */
export function withHeader(wire: WireRequest, name: string, value: string): WireRequest {
  return { ...withoutHeader(wire, name), headers: [...withoutHeader(wire, name).headers, [name, value]] }
}

export function withoutHeader(wire: WireRequest, name: string): WireRequest {
  return { ...wire, headers: wire.headers.filter(([given]) => given.toLowerCase() !== name) }
}

/** As a server sees it: Node's `headersDistinct`, where a single value stands for a list of one. */
export function receivedParts(wire: WireRequest) {
  const headers: Record<string, string | string[]> = {}
  for (const name of new Set(wire.headers.map(([given]) => given.toLowerCase()))) {
    const values = valuesOf(wire, name)
    headers[name] = values.length === 1 ? String(values[0]) : [...values]
  }
  const { method, path, query, body } = wire
  return { method, path, query, headers, bodyHash: bodyHashOf(body) }
}

export function bodyHashOf(body: string): string {
  return hash('sha256', body, 'hex')
}

/** Names and values of a query or form, decoded; one whose percent-encoding is none of UTF-8 stays as it is. */
export function readParameters(text: string): [name: string, value: string][] {
  return text
    .split('&')
    .filter((piece) => piece !== '')
    .map((piece) => {
      const [name = '', value = ''] = splitOnce(piece, '=')
      return [decode(name) ?? name, decode(value) ?? value]
    })
}

export function isDecodable(text: string): boolean {
  return text.split(/[&=]/).every((part) => decode(part) !== undefined)
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function trimBlanks(value: string): string {
  return value.replaceAll(/^[ \t]+|[ \t]+$/g, '')
}
