/**
 * Messages of the load tests: JSON as applications publish it, about one character in nine to be percent-encoded, of an
 * exact length, no two alike. Each carries its number and when it was due, so that whoever receives it can tell what
 * came and how long it took without having been told what was sent.
 */

import { randomBytes } from 'node:crypto'

/** With less there is no room for number and time. */
export const LEAST_MESSAGE_BYTES = 64
const LINE = 32
const POOL = randomBytes(96 * 1024).toString('base64url')
const MARKER = 'load:'

export interface Marker {
  readonly number: number
  /** From the start of the load, in milliseconds. */
  readonly dueMs: number
}

/** @param bytes from `LEAST_MESSAGE_BYTES` */
export function makeLoadMessage({ number, dueMs }: Marker, bytes: number): string {
  const head = `{"id":"${MARKER}${number}:${Math.round(dueMs * 1000)}:"`
  const parts = [head]
  let length = head.length + 1
  // Where in the pool; a prime step so that neighbours share no line.
  let at = (number * 7919) % (POOL.length - LINE)
  const piece = (size: number) => {
    at = (at + 131) % (POOL.length - LINE)
    return POOL.slice(at, at + size)
  }
  const overhead = ',"":""'.length
  for (let line = 0; ; line++) {
    const name = `line${line}`
    const rest = bytes - length - overhead - name.length
    if (rest < 0) break
    // What would be left after a whole line must be enough for another, or be taken by this one.
    const size = rest > LINE + overhead + 12 ? LINE : rest
    parts.push(`,"${name}":"${size <= LINE ? piece(size) : piece(LINE).padEnd(size, 'x')}"`)
    length += overhead + name.length + size
  }
  // Blanks between values mean nothing in JSON.
  return `${parts.join('')}${' '.repeat(Math.max(0, bytes - length))}}`
}

/**
 * @param body of a notification: the message itself, or JSON that holds it as text
 * @returns undefined when it is none of ours
 */
export function readMarker(body: Buffer): Marker | undefined {
  const start = body.indexOf(MARKER)
  if (start === -1) return undefined
  const text = body.toString('latin1', start + MARKER.length, start + MARKER.length + 40)
  const [, number, micros] = /^(\d{1,15}):(\d{1,15}):/.exec(text) ?? []
  return number === undefined ? undefined : { number: Number(number), dueMs: Number(micros) / 1000 }
}
