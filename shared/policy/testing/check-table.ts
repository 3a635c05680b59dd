/** Runs an operator's table of cases: what the policy says, what the request has, whether the condition holds. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileConditions } from '../conditions.ts'
import { MalformedPolicyError } from '../errors.ts'
import { readJson } from '../read-json.ts'

/** Operator, values of the policy, value of the request (undefined: absent), outcome. */
export type Case = readonly [
  operator: string,
  expected: unknown,
  actual: string | readonly string[] | undefined,
  holds: boolean,
]

export function checkTable(cases: readonly Case[], variables: Readonly<Record<string, string>> = {}): void {
  for (const [operator, expected, actual, holds] of cases) {
    const shown = `${operator} ${JSON.stringify(expected)}`
    test(`${shown} ${holds ? 'holds' : 'does not hold'} for ${JSON.stringify(actual) ?? 'an absent key'}`, () => {
      const context = new Map<string, string | readonly string[]>(Object.entries(variables))
      if (actual !== undefined) context.set('test:key', actual)
      assert.equal(conditionHolds(operator, expected, context), holds)
    })
  }
}

export function checkBadValues(operator: string, values: readonly unknown[]): void {
  test(`${operator} refuses values that are none of its kind`, () => {
    for (const value of values) {
      assert.throws(
        () => conditionHolds(operator, value, new Map()),
        (error) => error instanceof MalformedPolicyError && error.reason === 'bad-value',
        JSON.stringify(value),
      )
    }
  })
}

function conditionHolds(
  operator: string,
  expected: unknown,
  context: Map<string, string | readonly string[]>,
): boolean {
  const document = readJson(JSON.stringify({ [operator]: { 'Test:Key': expected } }))
  return compileConditions(document, true, 'Condition').every((condition) => condition.holds(context))
}
