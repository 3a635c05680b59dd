/**
 * The parts of a signature, wherever they stand: in the Authorization header, or in the query of a presigned request.
 * One mutation of a part is so a mutation of both forms.
 */

import { readParameters, valuesOf, type WireRequest, withHeader } from './wire-request.ts'

export type Field = 'Algorithm' | 'Credential' | 'SignedHeaders' | 'Signature' | 'Date'

export function isPresigned(wire: WireRequest): boolean {
  return readParameters(wire.query).some(([name]) => name === 'X-Amz-Signature')
}

/** The part's text, decoded where the query has it encoded. */
export function fieldOf(wire: WireRequest, field: Field): string {
  if (isPresigned(wire)) return readParameters(wire.query).find(([name]) => name === `X-Amz-${field}`)?.[1] ?? ''
  if (field === 'Date') return valuesOf(wire, 'x-amz-date')[0] ?? ''
  const authorization = valuesOf(wire, 'authorization')[0] ?? ''
  if (field === 'Algorithm') return authorization.split(' ')[0] ?? ''
  return new RegExp(`${field}=([^,]*)`).exec(authorization)?.[1] ?? ''
}

export function withField(wire: WireRequest, field: Field, text: string): WireRequest {
  if (isPresigned(wire)) {
    const value = new RegExp(`(?<=(?:^|&)X-Amz-${field}=)[^&]*`)
    return { ...wire, query: wire.query.replace(value, encodeURIComponent(text)) }
  }
  if (field === 'Date') return withHeader(wire, 'x-amz-date', text)
  const authorization = valuesOf(wire, 'authorization')[0] ?? ''
  const [algorithm = '', ...parts] = authorization.split(/ (?=Credential=)|, /)
  if (field === 'Algorithm') return withHeader(wire, 'authorization', `${text} ${parts.join(', ')}`)
  const changed = parts.map((part) => (part.startsWith(`${field}=`) ? `${field}=${text}` : part))
  return withHeader(wire, 'authorization', `${algorithm} ${changed.join(', ')}`)
}
