/** Bytes, as base64 on both sides. */

import { MalformedPolicyError } from '../errors.ts'
import type { OperatorTable } from './operator.ts'

/** With padding, and nothing in the bits that belong to no byte: one text for the same bytes. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/

export const BINARY_OPERATORS: OperatorTable = {
  BinaryEquals: {
    negated: false,
    readValue: (expected, _rules, place) => {
      if (expected === '' || !BASE64.test(expected)) throw new MalformedPolicyError('bad-value', place)
      return { variables: [], matches: (value) => value === expected }
    },
  },
}
