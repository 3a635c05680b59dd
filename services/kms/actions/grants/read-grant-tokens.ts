/** Grant tokens of a request: every one must be of a grant there is. Grants are in force without them. */

import { InvalidGrantTokenError } from '../../errors.ts'
import { GRANT_TOKEN_RULES } from '../../grants/grant-token.ts'
import type { MemberReader } from '../../members.ts'
import type { ActionRequest } from '../action.ts'

/** Limit of KMS's model. */
const MAX_TOKENS = 10

/** @throws {InvalidGrantTokenError} */
export function readGrantTokens(read: MemberReader, { keyStore }: Pick<ActionRequest, 'keyStore'>): void {
  const tokens = read.texts('GrantTokens', { ...GRANT_TOKEN_RULES, maxItems: MAX_TOKENS })
  const wellFormed = tokens.filter(({ length }) => length >= GRANT_TOKEN_RULES.min && length <= GRANT_TOKEN_RULES.max)
  // Those that break the model's rules are refused by them; more than a few are not looked at.
  const isUnknown = (token: string) => keyStore.findGrantByToken(token) === undefined
  if (wellFormed.slice(0, MAX_TOKENS).some(isUnknown)) throw new InvalidGrantTokenError()
}
