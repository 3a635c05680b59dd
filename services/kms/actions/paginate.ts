/** Cuts a listing into pages. A marker is opaque to callers: the operation and the last item's key. */

import { InvalidMarkerError } from '../errors.ts'

interface PageRequest {
  readonly limit: number
  readonly marker: string | undefined
}

/** Limits of KMS's model. */
export const MARKER_RULES = { min: 1, max: 1024 } as const

/**
 * @param items ordered by `keyOf`, ascending, without equals
 * @param o.operation markers of one operation are no good for another
 * @throws {InvalidMarkerError} when the marker is none that this gave out
 */
export function paginate<T>(
  items: readonly T[],
  o: PageRequest & { operation: string; keyOf: (item: T) => string },
): { page: readonly T[]; next: { Truncated: boolean; NextMarker?: string } } {
  const prefix = `${o.operation}:`
  const after = o.marker === undefined ? undefined : readMarker(o.marker, prefix)
  const rest = after === undefined ? items : items.filter((item) => o.keyOf(item) > after)
  const page = rest.slice(0, o.limit)
  const last = page.at(-1)
  if (rest.length === page.length || last === undefined) return { page, next: { Truncated: false } }
  return { page, next: { Truncated: true, NextMarker: encode(prefix + o.keyOf(last)) } }
}

function readMarker(marker: string, prefix: string): string {
  const text = Buffer.from(marker, 'base64url').toString('utf8')
  if (!text.startsWith(prefix) || encode(text) !== marker) throw new InvalidMarkerError('The marker is not valid.')
  return text.slice(prefix.length)
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}
