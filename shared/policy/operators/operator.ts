/** What the condition operators have in common. */

import type { TextPattern } from '../template.ts'

/** One value of a condition, ready to be compared with a value of the request. */
export interface ExpectedValue extends TextPattern {
  /** Condition keys it inserts. */
  readonly variables: readonly string[]
}

export interface OperatorRules {
  /** Whether `${…}` is a variable: in documents of version 2012-10-17. */
  readonly variables: boolean
}

export interface ConditionOperator {
  /** Holds where its opposite does not: for no value of the list, and also when the key is absent. */
  readonly negated: boolean
  /**
   * Reads one value of the policy.
   *
   * @throws {MalformedPolicyError} `bad-value` or `bad-variable`
   */
  readValue(text: string, rules: OperatorRules, place: string): ExpectedValue
}

export type OperatorTable = Readonly<Record<string, ConditionOperator>>

/** @returns the operator and its opposite */
export function bothWays(readValue: ConditionOperator['readValue']): [ConditionOperator, ConditionOperator] {
  return [
    { negated: false, readValue },
    { negated: true, readValue },
  ]
}
