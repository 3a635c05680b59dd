/**
 * The Condition element: all of its operators must hold, all keys of an operator, one value of a key's list.
 *
 * An absent key fails an operator and passes its opposite (StringNotEquals and the like); IfExists lets it pass. With several
 * values in the request, ForAnyValue wants one that fits, ForAllValues that each fits, and none at all fits then; without
 * either, one that fits is enough, and for an opposite none may be one of the listed.
 *
 * Rules: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Multivalued context keys".
 */

import type { Condition } from './compiled-policy.ts'
import { MalformedPolicyError } from './errors.ts'
import type { ConditionContext } from './identity.ts'
import { OPERATORS } from './operators/index.ts'
import type { ConditionOperator, ExpectedValue } from './operators/operator.ts'
import { readConditionValues, readObject, within } from './read-element.ts'
import type { Json } from './read-json.ts'
import { anyOf } from './template.ts'

export interface CompiledCondition extends Condition {
  holds(context: ConditionContext): boolean
  /** Keys it looks at, in lower case. */
  readonly keys: readonly string[]
}

type Quantifier = 'ForAllValues' | 'ForAnyValue' | undefined

const OPERATOR_NAME = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/
const KEY = /^[A-Za-z0-9][A-Za-z0-9-]*:\S.*$/s
const PRESENCE: ReadonlySet<string> = new Set(['true', 'false'])

/** @throws {MalformedPolicyError} `bad-operator`, `bad-condition-key`, `bad-value`, `bad-variable` or a wrong type */
export function compileConditions(value: Json, variables: boolean, place: string): CompiledCondition[] {
  const compiled: CompiledCondition[] = []
  for (const [operator, keys] of readObject(value, place)) {
    const placeOfOperator = within(place, operator)
    const entries = readObject(keys, placeOfOperator)
    // Nothing to hold would make the statement unconditional.
    if (entries.size === 0) throw new MalformedPolicyError('empty-list', placeOfOperator)
    for (const [key, listed] of entries) {
      const placeOfKey = within(placeOfOperator, key)
      if (!KEY.test(key)) throw new MalformedPolicyError('bad-condition-key', placeOfKey)
      const values = readConditionValues(listed, placeOfKey)
      compiled.push(compileCondition({ operator, key, values }, variables, placeOfKey))
    }
  }
  return compiled
}

function compileCondition(condition: Condition, variables: boolean, place: string): CompiledCondition {
  const [, quantifier, name = '', ifExists] = OPERATOR_NAME.exec(condition.operator) ?? []
  const key = condition.key.toLowerCase()
  if (name === 'Null' && quantifier === undefined && ifExists === undefined) return compileNull(condition, key, place)
  const operator = OPERATORS.get(name)
  if (operator === undefined) throw new MalformedPolicyError('bad-operator', place)
  const expected = condition.values.map((value) => operator.readValue(value, { variables }, place))
  const whenAbsent = ifExists !== undefined || holdsWhenAbsent(operator, quantifier as Quantifier)
  const holdsFor = quantify(operator, expected, quantifier as Quantifier)
  return {
    ...condition,
    keys: [key, ...expected.flatMap((value) => value.variables)],
    holds: (context) => {
      const actual = context.get(key)
      return isAbsent(actual) ? whenAbsent : holdsFor(actual, context)
    },
  }
}

function compileNull(condition: Condition, key: string, place: string): CompiledCondition {
  const wanted = condition.values.map((value) => value.toLowerCase())
  if (!wanted.every((value) => PRESENCE.has(value))) throw new MalformedPolicyError('bad-value', place)
  return {
    ...condition,
    keys: [key],
    holds: (context) => wanted.includes(String(isAbsent(context.get(key)))),
  }
}

function holdsWhenAbsent({ negated }: ConditionOperator, quantifier: Quantifier): boolean {
  return quantifier === undefined ? negated : quantifier === 'ForAllValues'
}

function quantify(operator: ConditionOperator, expected: readonly ExpectedValue[], quantifier: Quantifier) {
  const isExpected = anyOf(expected)
  const fits = (value: string, context: ConditionContext) => isExpected(value, context) !== operator.negated
  // An opposite asks that none of the values is listed; anything else that one is.
  const wantsAll = quantifier === undefined ? operator.negated : quantifier === 'ForAllValues'
  return (actual: string | readonly string[], context: ConditionContext): boolean => {
    if (typeof actual === 'string') return fits(actual, context)
    return wantsAll ? actual.every((value) => fits(value, context)) : actual.some((value) => fits(value, context))
  }
}

function isAbsent(value: string | readonly string[] | undefined): value is undefined {
  return value === undefined || (typeof value !== 'string' && value.length === 0)
}
