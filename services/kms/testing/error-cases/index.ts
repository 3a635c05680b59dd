/**
 * For tests: what a caller can do wrong, request by request. Key states, other accounts and other
 * regions have a table of their own.
 */

import { adminCases, aliasNameCases, pageCases, tagCases } from './admin-cases.ts'
import { cipherCases, dataKeyCases } from './cipher-cases.ts'
import { createKeyCases } from './create-key-cases.ts'
import type { ErrorCase } from './error-case.ts'
import { grantCases } from './grant-cases.ts'
import { keyCases } from './key-cases.ts'

export type { Fixture } from './error-case.ts'

export const ERROR_CASES: readonly ErrorCase[] = [
  ...keyCases,
  ...aliasNameCases,
  ...pageCases,
  ...tagCases,
  ...createKeyCases,
  ...dataKeyCases,
  ...cipherCases,
  ...adminCases,
  ...grantCases,
]
