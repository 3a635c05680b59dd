/**
 * Reads one object's members by name, and notes every rule of KMS's model that is broken.
 *
 * Broken rules are named in the form of KMS's framework, which clients print; a value is quoted only
 * where KMS quotes it. A member of another type ends the reading at once, as no rule applies to it.
 * Who asks for what: the actions. What becomes of the problems: members.ts.
 */

import { SerializationError } from './errors.ts'

interface TextRules {
  readonly min?: number
  readonly max: number
  readonly pattern?: RegExp
}

interface Choice<T extends string> {
  readonly values: readonly string[]
  /** Those of KMS's values that this KMS has; the others are refused as unsupported. */
  readonly supported: readonly T[]
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
  requiredTexts(name: string, rules: TextRules): readonly string[]
  /** Absent counts as empty. */
  texts(name: string, rules: TextRules & { maxItems: number }): readonly string[]
  /** A list of KMS's values, without repetition. */
  requiredChoices(name: string, values: readonly string[]): readonly string[]
  /** An object of its own. */
  structure<T>(name: string, read: (reader: MemberReader) => T): T | undefined
  /** As `textMap`, names and values limited alike; undefined when absent. */
  limitedMap(name: string, limits: { maxPairs: number; maxLength: number }): ReadonlyMap<string, string> | undefined
  /** A list of objects, each read by `read`. */
  structures<T>(name: string, read: (reader: MemberReader) => T): readonly T[] | undefined
  requiredStructures<T>(name: string, read: (reader: MemberReader) => T): readonly T[]
  choice<const T extends string>(name: string, o: Choice<T>): T | undefined
  /** The value that was asked for, though it may be one that is going to be refused. */
  requested(name: string, o: Choice<string>): string | undefined
  /** A list that is taken only while it says nothing. */
  emptyList(name: string): void
  /** A flag that is taken only while it is false. */
  falseFlag(name: string): void
  /** Refuses for a reason that only the action knows. */
  refuse(problem: string): void
}

export interface Problems {
  /** Broken rules of the model, in the framework's form. */
  readonly constraints: string[]
  /** Sentences of their own. */
  readonly others: string[]
  readonly unsupported: string[]
}

/** Broken rules named in one answer at most: a list of garbage must not make an answer longer than itself. */
const MAX_CONSTRAINTS = 50

/** Of a quoted value, in characters: enough to recognise it. */
const MAX_QUOTED = 128

/**
 * Reads an object, and notes as unsupported whatever `read` did not ask for.
 *
 * @param path where the object lies in the request, e.g. `tags.1.member.`; empty for the request itself
 * @throws {SerializationError} a member of another type
 */
export function readObject<T>(value: unknown, path: string, problems: Problems, read: (reader: MemberReader) => T): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SerializationError(`${path === '' ? 'The request body' : `The parameter ${path}`} is not a JSON object.`)
  }
  // Members that are null count as absent, as in every AWS JSON protocol.
  const members = new Map<string, unknown>(Object.entries(value).filter(([, member]) => member !== null))
  const asked = new Set<string>()
  const take = (name: string): unknown => {
    asked.add(name)
    return members.get(name)
  }
  const result = read(createReader(take, path, problems))
  for (const name of members.keys()) {
    if (!asked.has(name)) problems.unsupported.push(unsupportedParameter(path + name))
  }
  return result
}

function createReader(take: (name: string) => unknown, path: string, problems: Problems): MemberReader {
  const at = (name: string) => `at '${path}${fieldOf(name)}'`
  const constrain = (subject: string, rule: string): void => {
    if (problems.constraints.length >= MAX_CONSTRAINTS) return
    problems.constraints.push(`${subject} failed to satisfy constraint: Member must ${rule}`)
  }
  const required = <T>(name: string, value: T | undefined, harmless: T): T => {
    if (value === undefined) constrain(`Value null ${at(name)}`, 'not be null')
    return value ?? harmless
  }
  const takeText = (name: string): string | undefined => {
    const value = take(name)
    return value === undefined ? undefined : wellFormed(value, name)
  }
  const takeList = (name: string): readonly unknown[] | undefined => {
    const value = take(name)
    if (value !== undefined && !Array.isArray(value)) throw wrongType(name, 'a list')
    return value
  }
  const takeFlag = (name: string): boolean => {
    const value = take(name) ?? false
    if (typeof value !== 'boolean') throw wrongType(name, 'a boolean')
    return value
  }
  const text: MemberReader['text'] = (name, rules) => {
    const value = takeText(name)
    const [broken] = value === undefined ? [] : brokenRules(value, rules)
    if (broken !== undefined) constrain(`Value '${value?.slice(0, MAX_QUOTED)}' ${at(name)}`, broken)
    return value
  }
  const takeTexts = (name: string) => takeList(name)?.map((item) => wellFormed(item, name))
  const takeMap = (name: string): ReadonlyMap<string, string> | undefined => {
    const value = take(name)
    if (value === undefined) return undefined
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(name, 'a map')
    return new Map(Object.entries(value).map(([key, member]) => [wellFormed(key, name), textOf(member, name)]))
  }
  const structures: MemberReader['structures'] = (name, read) =>
    takeList(name)?.map((item, index) => {
      return readObject(item, `${path}${fieldOf(name)}.${index + 1}.member.`, problems, read)
    })
  const requested: MemberReader['requested'] = (name, { values, supported }) => {
    const value = takeText(name)
    if (value === undefined) return undefined
    if (!values.includes(value)) {
      constrain(`Value '${value.slice(0, MAX_QUOTED)}' ${at(name)}`, `satisfy enum value set: [${values.join(', ')}]`)
      return undefined
    }
    if (!supported.includes(value)) problems.unsupported.push(`The ${name} ${value} is not supported.`)
    return value
  }
  return {
    text,
    requiredText: (name, rules) => required(name, text(name, rules), ''),
    integer(name, { min, max }) {
      const value = take(name)
      if (value === undefined) return undefined
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw wrongType(name, 'an integer')
      const subject = `Value '${value}' ${at(name)}`
      if (value < min) constrain(subject, `have value greater than or equal to ${min}`)
      if (value > max) constrain(subject, `have value less than or equal to ${max}`)
      return value
    },
    flag: takeFlag,
    requiredBlob(name, { min, max }) {
      const value = takeText(name)
      if (value === undefined) return required(name, undefined, Buffer.alloc(0))
      const bytes = Buffer.from(value, 'base64')
      // Node skips what is no base64; only the canonical text is the blob that was meant.
      if (bytes.toString('base64') !== value) throw wrongType(name, 'base64')
      const [broken] = brokenLength(bytes.byteLength, { min, max })
      if (broken !== undefined) constrain(`Value ${at(name)}`, broken)
      return bytes
    },
    textMap: (name) => takeMap(name) ?? new Map(),
    limitedMap(name, { maxPairs, maxLength: max }) {
      const pairs = takeMap(name)
      const subject = `Value ${at(name)}`
      if ((pairs?.size ?? 0) > maxPairs) constrain(subject, `have length less than or equal to ${maxPairs}`)
      const [broken] = [...(pairs ?? [])].flat().flatMap((text) => brokenRules(text, { max }))
      if (broken !== undefined) constrain(subject, `satisfy constraint: [Member must ${broken}]`)
      return pairs
    },
    requiredTexts(name, rules) {
      const values = takeTexts(name)
      if (values?.some((value) => brokenRules(value, rules).length > 0)) {
        const subject = `Value '[${values.join(', ').slice(0, MAX_QUOTED)}]' ${at(name)}`
        constrain(subject, `satisfy constraint: [${rulesOf(rules).join(', ')}]`)
      }
      return required(name, values, [])
    },
    texts(name, { maxItems, ...rules }) {
      const values = takeTexts(name) ?? []
      // Never quoted: grant tokens are lists of texts.
      if (values.length > maxItems) constrain(`Value ${at(name)}`, `have length less than or equal to ${maxItems}`)
      if (values.some((value) => brokenRules(value, rules).length > 0)) {
        constrain(`Value ${at(name)}`, `satisfy constraint: [${rulesOf(rules).join(', ')}]`)
      }
      return values
    },
    requiredChoices(name, allowed) {
      const values = takeTexts(name)
      if (values?.some((value) => !allowed.includes(value))) {
        const subject = `Value '[${values.join(', ').slice(0, MAX_QUOTED)}]' ${at(name)}`
        constrain(subject, `satisfy constraint: [Member must satisfy enum value set: [${allowed.join(', ')}]]`)
      }
      return [...new Set(required(name, values, []))]
    },
    structure(name, read) {
      const value = take(name)
      return value === undefined ? undefined : readObject(value, `${path}${fieldOf(name)}.`, problems, read)
    },
    structures,
    requiredStructures: (name, read) => required(name, structures(name, read), []),
    choice: (name, o) => {
      const value = requested(name, o)
      return o.supported.find((candidate) => candidate === value)
    },
    requested,
    emptyList(name) {
      if ((takeList(name) ?? []).length > 0) problems.unsupported.push(unsupportedParameter(name))
    },
    falseFlag(name) {
      if (takeFlag(name)) problems.unsupported.push(unsupportedParameter(name))
    },
    refuse(problem) {
      problems.others.push(problem)
    },
  }
}

function brokenRules(value: string, rules: TextRules): readonly string[] {
  const broken = brokenLength(value.length, { min: 0, ...rules })
  if (broken.length > 0 || rules.pattern === undefined || rules.pattern.test(value)) return broken
  return [`satisfy regular expression pattern: ${rules.pattern.source}`]
}

function brokenLength(length: number, { min, max }: { min: number; max: number }): readonly string[] {
  if (length < min) return [`have length greater than or equal to ${min}`]
  return length > max ? [`have length less than or equal to ${max}`] : []
}

/** All rules of a list's items: KMS's framework does not say which item broke which. */
function rulesOf({ min = 0, max, pattern }: TextRules): readonly string[] {
  const rules = [`have length less than or equal to ${max}`, `have length greater than or equal to ${min}`]
  if (pattern !== undefined) rules.push(`satisfy regular expression pattern: ${pattern.source}`)
  return rules.map((rule) => `Member must ${rule}`)
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
