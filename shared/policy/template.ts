// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of policies

/**
 * Text of a policy in which `${key}` stands for a value of the request, and `*` and `?` for any characters.
 *
 * What is inserted is text and never a wildcard: a tag whose value is `*` matches a star. A key that is absent, or has
 * several values, makes the text match nothing unless a default is given: `${aws:PrincipalTag/team, 'none'}`. `${*}`, `${?}`
 * and `${$}` are those characters themselves.
 *
 * Rules: IAM User Guide, "IAM policy elements: Variables and tags".
 */

import { MalformedPolicyError } from './errors.ts'
import type { ConditionContext } from './identity.ts'
import { ANY, compileWildcard, ONE, type PatternPart } from './wildcard.ts'

export interface Variable {
  /** In lower case. */
  readonly key: string
  readonly fallback?: string
}

export type TemplatePart = PatternPart | Variable

export interface TemplateRules {
  /** Only in documents of version 2012-10-17; `${` is text otherwise. */
  readonly variables: boolean
  readonly wildcards: boolean
}

export interface TextPattern {
  matches(value: string, context: ConditionContext): boolean
}

const SPECIAL = /[*?]|\$\{/g
const KEY = /^[A-Za-z0-9][A-Za-z0-9-]*:[^\s{}$',][^{}$',]*$/
const WITH_DEFAULT = /^([^,]*), *'([^']*)'$/
const ESCAPED: ReadonlySet<string> = new Set(['*', '?', '$'])

/** @throws {MalformedPolicyError} `bad-variable` */
export function parseTemplate(text: string, rules: TemplateRules, place: string): TemplatePart[] {
  const parts: TemplatePart[] = []
  let literal = ''
  const push = (part: TemplatePart) => {
    if (literal !== '') parts.push({ text: literal })
    literal = ''
    parts.push(part)
  }
  let at = 0
  for (const match of text.matchAll(SPECIAL)) {
    // Inside of a variable that was taken whole.
    if (match.index < at) continue
    literal += text.slice(at, match.index)
    at = match.index + match[0].length
    if (match[0] === '${') {
      if (!rules.variables) {
        literal += match[0]
        continue
      }
      const end = text.indexOf('}', at)
      if (end === -1) throw new MalformedPolicyError('bad-variable', place)
      const name = text.slice(at, end)
      at = end + 1
      if (ESCAPED.has(name)) literal += name
      else push(parseVariable(name, place))
    } else if (!rules.wildcards) literal += match[0]
    else push(match[0] === '*' ? ANY : ONE)
  }
  literal += text.slice(at)
  if (literal !== '') parts.push({ text: literal })
  return parts
}

function parseVariable(text: string, place: string): Variable {
  const [, named = text, fallback] = WITH_DEFAULT.exec(text) ?? []
  const key = named.trim()
  if (!KEY.test(key)) throw new MalformedPolicyError('bad-variable', place)
  return { key: key.toLowerCase(), ...(fallback === undefined ? {} : { fallback }) }
}

export function isVariable(part: TemplatePart): part is Variable {
  return typeof part === 'object' && 'key' in part
}

export function variablesIn(parts: readonly TemplatePart[]): string[] {
  return parts.filter(isVariable).map(({ key }) => key)
}

/** @returns the parts with values in place of variables, or undefined when a variable has none */
export function insertValues(parts: readonly TemplatePart[], context: ConditionContext): PatternPart[] | undefined {
  const inserted: PatternPart[] = []
  for (const part of parts) {
    if (!isVariable(part)) {
      inserted.push(part)
      continue
    }
    const text = valueFor(part, context)
    if (text === undefined) return undefined
    inserted.push({ text })
  }
  return inserted
}

function valueFor({ key, fallback }: Variable, context: ConditionContext): string | undefined {
  const value = context.get(key)
  return typeof value === 'string' ? value : fallback
}

const NOTHING: TextPattern = { matches: () => false }

/** @returns whether one of the patterns matches */
export function anyOf(patterns: readonly TextPattern[]): TextPattern['matches'] {
  const [only] = patterns
  if (only !== undefined && patterns.length === 1) return (value, context) => only.matches(value, context)
  return (value, context) => {
    for (const pattern of patterns) if (pattern.matches(value, context)) return true
    return false
  }
}

export function compileTemplate(parts: readonly TemplatePart[]): TextPattern {
  const fixed = parts.filter((part): part is PatternPart => !isVariable(part))
  if (fixed.length === parts.length) return compileWildcard(fixed)
  const variables = parts.filter(isVariable)
  // One caller asks again and again, with the same values.
  let last: { values: readonly (string | undefined)[]; pattern: TextPattern } | undefined
  return {
    matches: (value, context) => {
      const values = variables.map((variable) => valueFor(variable, context))
      if (last === undefined || values.some((each, i) => each !== last?.values[i])) {
        const inserted = insertValues(parts, context)
        last = { values, pattern: inserted === undefined ? NOTHING : compileWildcard(inserted) }
      }
      return last.pattern.matches(value, context)
    },
  }
}
