/** `true` and `false`, in any case. */

import { MalformedPolicyError } from '../errors.ts'
import type { OperatorTable } from './operator.ts'

export const BOOL_OPERATORS: OperatorTable = {
  Bool: {
    negated: false,
    readValue: (text, _rules, place) => {
      const expected = text.toLowerCase()
      if (expected !== 'true' && expected !== 'false') throw new MalformedPolicyError('bad-value', place)
      return { variables: [], matches: (value) => value.toLowerCase() === expected }
    },
  },
}
