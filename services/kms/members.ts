/**
 * Reads the members of a request: types, limits and, above all, nothing unread.
 *
 * A member that an action did not ask for is refused, never dropped: a caller who sent a policy, a
 * tag or a grant token relies on it. Broken rules are collected and named together in KMS's framework
 * form, which clients print; a value is quoted only where KMS quotes it.
 */

import { SerializationError, UnsupportedOperationError, ValidationError } from './errors.ts'

interface TextRules {
  readonly min?: number
  readonly max: number
  readonly pattern?: RegExp
}

/** Each reader notes broken rules and goes on with a harmless value; `readMembers` throws in the end. */
export interface MemberReader {
  text(name: string, rules: TextRules): string | undefined
  requiredText(name: string, rules: TextRules): string
  integer(name: string, range: { min: number; max: number }): number | undefined
  flag(name: string): boolean
  /** Standard base64. */
  requiredBlob(name: string, range: { min: number; max: number }): Buffer
  /** Numbers count as their text, as KMS takes them. */
  textMap(name: string): ReadonlyMap<string, string>
  /** @param supported those of KMS's values that this KMS has; the others are refused as unsupported */
  choice<const T extends string>(name: string, o: { values: readonly string[]; supported: readonly T[] }): T | undefined
  /** A list that is taken only while it says nothing. */
  emptyList(name: string): void
  /** A flag that is taken only while it is false. */
  falseFlag(name: string): void
  /** Refuses for a reason that only the action knows. */
  refuse(problem: string): void
}

/**
 * @param body the request's JSON text in UTF-8; empty counts as `{}`
 * @throws {SerializationError} no JSON object, or a member of another type
 * @throws {UnsupportedOperationError} a member that was not asked for, or a value this KMS lacks
 * @throws {ValidationError} naming every rule of KMS that is broken
 */
export function readMembers<T>(body: Uint8Array, read: (reader: MemberReader) => T): T {
  const members = parseObject(body)
  const problems: Problems = { constraints: [], others: [], unsupported: [], asked: new Set() }
  const result = read(createReader(members, problems))
  for (const name of members.keys()) {
    if (!problems.asked.has(name)) problems.unsupported.push(unsupportedParameter(name))
  }
  const [unsupported] = problems.unsupported
  if (unsupported !== undefined) throw new UnsupportedOperationError(unsupported)
  const { length } = problems.constraints
  if (length > 0) {
    const noun = length === 1 ? 'error' : 'errors'
    throw new ValidationError(`${length} validation ${noun} detected: ${problems.constraints.join('; ')}`)
  }
  const [other] = problems.others
  if (other !== undefined) throw new ValidationError(other)
  return result
}

interface Problems {
  /** Broken rules of the model, in the framework's form. */
  constraints: string[]
  /** Sentences of their own. */
  others: string[]
  unsupported: string[]
  asked: Set<string>
}

/** Members that are null count as absent, as in every AWS JSON protocol. */
function parseObject(body: Uint8Array): ReadonlyMap<string, unknown> {
  let value: unknown
  try {
    value = body.byteLength === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    // The parser's message quotes the text.
    throw new SerializationError('The request body is not JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SerializationError('The request body is not a JSON object.')
  }
  return new Map(Object.entries(value).filter(([, member]) => member !== null))
}

function createReader(members: ReadonlyMap<string, unknown>, problems: Problems): MemberReader {
  const take = (name: string): unknown => {
    problems.asked.add(name)
    return members.get(name)
  }
  const takeText = (name: string): string | undefined => {
    const value = take(name)
    return value === undefined ? undefined : wellFormed(value, name)
  }
  const constrain = (subject: string, rule: string) =>
    problems.constraints.push(`${subject} failed to satisfy constraint: Member must ${rule}`)
  const checkText = (name: string, value: string, { min = 0, max, pattern }: TextRules): void => {
    const subject = `Value '${value.slice(0, 128)}' at '${fieldOf(name)}'`
    const { length } = value
    if (length < min) constrain(subject, `have length greater than or equal to ${min}`)
    else if (length > max) constrain(subject, `have length less than or equal to ${max}`)
    else if (pattern !== undefined && !pattern.test(value)) {
      constrain(subject, `satisfy regular expression pattern: ${pattern.source}`)
    }
  }
  const takeFlag = (name: string): boolean => {
    const value = take(name) ?? false
    if (typeof value !== 'boolean') throw wrongType(name, 'a boolean')
    return value
  }
  const refuseUnsupported = (name: string) => problems.unsupported.push(unsupportedParameter(name))
  return {
    text(name, rules) {
      const value = takeText(name)
      if (value !== undefined) checkText(name, value, rules)
      return value
    },
    requiredText(name, rules) {
      const value = takeText(name)
      if (value === undefined) constrain(`Value null at '${fieldOf(name)}'`, 'not be null')
      else checkText(name, value, rules)
      return value ?? ''
    },
    integer(name, { min, max }) {
      const value = take(name)
      if (value === undefined) return undefined
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw wrongType(name, 'an integer')
      const subject = `Value '${value}' at '${fieldOf(name)}'`
      if (value < min) constrain(subject, `have value greater than or equal to ${min}`)
      if (value > max) constrain(subject, `have value less than or equal to ${max}`)
      return value
    },
    flag: takeFlag,
    requiredBlob(name, { min, max }) {
      const value = takeText(name)
      const subject = `Value ${value === undefined ? 'null ' : ''}at '${fieldOf(name)}'`
      if (value === undefined) {
        constrain(subject, 'not be null')
        return Buffer.alloc(0)
      }
      const bytes = Buffer.from(value, 'base64')
      // Node skips what is no base64; only the canonical text is the blob that was meant.
      if (bytes.toString('base64') !== value) throw wrongType(name, 'base64')
      if (bytes.byteLength < min) constrain(subject, `have length greater than or equal to ${min}`)
      if (bytes.byteLength > max) constrain(subject, `have length less than or equal to ${max}`)
      return bytes
    },
    textMap(name) {
      const value = take(name) ?? {}
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(name, 'a map')
      return new Map(Object.entries(value).map(([key, text]) => [wellFormed(key, name), textOf(text, name)]))
    },
    choice(name, { values, supported }) {
      const value = takeText(name)
      if (value === undefined) return undefined
      if (!values.includes(value)) {
        const subject = `Value '${value.slice(0, 128)}' at '${fieldOf(name)}'`
        constrain(subject, `satisfy enum value set: [${values.join(', ')}]`)
        return undefined
      }
      const choice = supported.find((candidate) => candidate === value)
      if (choice === undefined) problems.unsupported.push(`The ${name} ${value} is not supported.`)
      return choice
    },
    emptyList(name) {
      const value = take(name) ?? []
      if (!Array.isArray(value)) throw wrongType(name, 'a list')
      if (value.length > 0) refuseUnsupported(name)
    },
    falseFlag(name) {
      if (takeFlag(name)) refuseUnsupported(name)
    },
    refuse(problem) {
      problems.others.push(problem)
    },
  }
}

/** Lone surrogates have no UTF-8 form: two different texts would authenticate alike. */
function wellFormed(value: unknown, name: string): string {
  if (typeof value !== 'string' || !value.isWellFormed()) throw wrongType(name, 'a text')
  return value
}

function textOf(value: unknown, name: string): string {
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : wellFormed(value, name)
}

function wrongType(name: string, expected: string): SerializationError {
  return new SerializationError(`The parameter ${name} must be ${expected}.`)
}

/** The name may be any text of the caller's: no longer than needed to recognise it. */
function unsupportedParameter(name: string): string {
  return `The parameter ${name.slice(0, 64)} is not supported.`
}

/** KMS's framework writes members in lower camel case. */
function fieldOf(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}
