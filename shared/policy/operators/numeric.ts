/** Numbers: whole or with decimals, as decimal text on both sides. */

import { MalformedPolicyError } from '../errors.ts'
import type { ConditionOperator, OperatorTable } from './operator.ts'

const NUMBER = /^[+-]?\d+(?:\.\d+)?$/
/** A double tells any two numbers of so many digits apart. */
const MAX_DIGITS = 15

const compare = (holds: (actual: number, expected: number) => boolean, negated = false): ConditionOperator => ({
  negated,
  readValue: (text, _rules, place) => {
    const expected = readNumber(text)
    if (expected === undefined) throw new MalformedPolicyError('bad-value', place)
    return {
      variables: [],
      matches: (value) => {
        const actual = readNumber(value)
        return actual !== undefined && holds(actual, expected)
      },
    }
  },
})

export const NUMERIC_OPERATORS: OperatorTable = {
  NumericEquals: compare((a, b) => a === b),
  NumericNotEquals: compare((a, b) => a === b, true),
  NumericLessThan: compare((a, b) => a < b),
  NumericLessThanEquals: compare((a, b) => a <= b),
  NumericGreaterThan: compare((a, b) => a > b),
  NumericGreaterThanEquals: compare((a, b) => a >= b),
}

function readNumber(text: string): number | undefined {
  if (!NUMBER.test(text)) return undefined
  return text.replace(/^[+-]?0*|\./g, '').length > MAX_DIGITS ? undefined : Number(text)
}
