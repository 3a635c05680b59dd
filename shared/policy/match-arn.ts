/**
 * Patterns of ARNs: `arn:partition:service:region:account:resource`, each part matched by itself.
 *
 * A wildcard in one of the first five parts ends at its colon, so `arn:aws:sns:*:111122223333:orders` cannot reach into
 * another account by a resource whose name has colons. The sixth part is everything after the fifth colon. A pattern with
 * fewer parts must end with `*`, which then stands for all the rest.
 *
 * Rules: IAM User Guide, "IAM JSON policy elements: Resource".
 */

import { MalformedPolicyError } from './errors.ts'
import {
  compileTemplate,
  insertValues,
  isVariable,
  parseTemplate,
  type TemplatePart,
  type TextPattern,
  variablesIn,
} from './template.ts'
import { ANY } from './wildcard.ts'

const PARTS = 6
const PARTITION = /^(?:aws(?:-[a-z]+)*|\*)$/
const SERVICE = /^[a-z0-9-]+$/

export interface ArnPattern extends TextPattern {
  readonly variables: readonly string[]
}

/**
 * Reads one value of Resource or NotResource: `*`, or an ARN whose service is written out and whose variables are in its
 * sixth part.
 *
 * @throws {MalformedPolicyError} `bad-resource` or `bad-variable`
 */
export function compileResource(text: string, variables: boolean, place: string): ArnPattern {
  if (text === '*') return { variables: [], matches: () => true }
  const parts = parseTemplate(text, { variables, wildcards: true }, place)
  const split = splitAtColons(parts)
  const [scheme, partition, service] = text.split(':')
  if (scheme !== 'arn' || !PARTITION.test(partition ?? '') || !SERVICE.test(service ?? ''))
    throw new MalformedPolicyError('bad-resource', place)
  if (!isWhole(split)) throw new MalformedPolicyError('bad-resource', place)
  if (
    split
      .slice(0, PARTS - 1)
      .flat()
      .some(isVariable)
  )
    throw new MalformedPolicyError('bad-variable', place)
  if (split[PARTS - 1]?.length === 0) throw new MalformedPolicyError('bad-resource', place)
  return compileArnParts(split)
}

/**
 * Reads one value of an Arn operator: `*`, six parts, or text with variables, which is split after they were inserted.
 *
 * @throws {MalformedPolicyError} `bad-value` or `bad-variable`
 */
export function readArnPattern(text: string, variables: boolean, place: string): ArnPattern {
  if (text === '*') return { variables: [], matches: () => true }
  const parts = parseTemplate(text, { variables, wildcards: true }, place)
  const split = splitAtColons(parts)
  const inserted = variablesIn(parts)
  if (inserted.length === 0) {
    // IAM compares such text with nothing; better told than never matched.
    if (!text.startsWith('arn:') || split.length !== PARTS) throw new MalformedPolicyError('bad-value', place)
    return compileArnParts(split)
  }
  return {
    variables: inserted,
    matches: (arn, context) => {
      const written = insertValues(parts, context)
      if (written === undefined) return false
      const pieces = splitAtColons(written)
      return pieces.length === PARTS && compileArnParts(pieces).matches(arn, context)
    },
  }
}

/** Six parts, or fewer and the last one ends with a star. */
function isWhole(split: readonly (readonly TemplatePart[])[]): boolean {
  return split.length === PARTS || split.at(-1)?.at(-1) === ANY
}

function compileArnParts(split: readonly (readonly TemplatePart[])[]): ArnPattern {
  // Most patterns begin with some parts as they stand, which are compared at once.
  const written = split.slice(0, -1).findIndex((parts) => parts.length !== 1 || !isText(parts[0]))
  const fixed = written === -1 ? split.length - 1 : written
  const prefix = split
    .slice(0, fixed)
    .map((parts) => `${textOf(parts[0])}:`)
    .join('')
  const tests = split.slice(fixed, -1).map(compileTemplate)
  const rest = compileTemplate(split.at(-1) ?? [])
  const variables = split
    .flat()
    .filter(isVariable)
    .map(({ key }) => key)
  return {
    variables,
    matches: (arn, context) => {
      if (!arn.startsWith(prefix)) return false
      let at = prefix.length
      for (const test of tests) {
        const end = arn.indexOf(':', at)
        if (end === -1 || !test.matches(arn.slice(at, end), context)) return false
        at = end + 1
      }
      return rest.matches(arn.slice(at), context)
    },
  }
}

function isText(part: TemplatePart | undefined): part is { text: string } {
  return typeof part === 'object' && 'text' in part
}

function textOf(part: TemplatePart | undefined): string {
  return isText(part) ? part.text : ''
}

function splitAtColons(parts: readonly TemplatePart[]): TemplatePart[][] {
  let current: TemplatePart[] = []
  const split = [current]
  for (const part of parts) {
    if (!isText(part)) {
      current.push(part)
      continue
    }
    let rest = part.text
    while (split.length < PARTS && rest.includes(':')) {
      const end = rest.indexOf(':')
      if (end > 0) current.push({ text: rest.slice(0, end) })
      rest = rest.slice(end + 1)
      current = []
      split.push(current)
    }
    if (rest !== '') current.push({ text: rest })
  }
  return split
}
