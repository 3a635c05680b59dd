/** Every condition operator of IAM but Null, which asks for the key and not for its value. */

import { ARN_OPERATORS } from './arn.ts'
import { BINARY_OPERATORS } from './binary.ts'
import { BOOL_OPERATORS } from './bool.ts'
import { DATE_OPERATORS } from './date.ts'
import { IP_OPERATORS } from './ip-address.ts'
import { NUMERIC_OPERATORS } from './numeric.ts'
import type { ConditionOperator } from './operator.ts'
import { STRING_OPERATORS } from './string.ts'

export const OPERATORS: ReadonlyMap<string, ConditionOperator> = new Map(
  Object.entries({
    ...STRING_OPERATORS,
    ...NUMERIC_OPERATORS,
    ...DATE_OPERATORS,
    ...BOOL_OPERATORS,
    ...BINARY_OPERATORS,
    ...IP_OPERATORS,
    ...ARN_OPERATORS,
  }),
)
