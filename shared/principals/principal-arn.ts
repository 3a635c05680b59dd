/**
 * ARNs of principals: users and an account's root. Roles come with sessions.
 *
 * Rules: IAM User Guide, "IAM identifiers" and "IAM and AWS STS quotas" (names of 1 to 64 characters,
 * paths of at most 512).
 */

import { PrincipalArnError } from './errors.ts'

export interface PrincipalArn {
  account: string
  kind: 'user' | 'root'
}

const USER_NAME = '[A-Za-z0-9+=,.@_-]{1,64}'
const USER_OR_ROOT = new RegExp(`^arn:aws:iam::(\\d{12}):(?:(root)|user/((?:[A-Za-z0-9+=,.@_-]+/)*)${USER_NAME})$`)
const MAX_PATH_CHARACTERS = 512

/** @throws {PrincipalArnError} when it is neither a user's ARN nor an account's root */
export function parsePrincipalArn(arn: string): PrincipalArn {
  const [, account, root, path = ''] = USER_OR_ROOT.exec(arn) ?? []
  if (account === undefined || path.length > MAX_PATH_CHARACTERS) {
    throw new PrincipalArnError(
      'Cannot use this ARN for a principal: it must be arn:aws:iam::<12 digits>:user/<name>, ' +
        'with a path before the name or without, or arn:aws:iam::<12 digits>:root',
    )
  }
  return { account, kind: root === undefined ? 'user' : 'root' }
}

/** @param name the user's name, a path before it or not */
export function userArnOf(o: { account: string; name: string }): string {
  return `arn:aws:iam::${o.account}:user/${o.name}`
}
