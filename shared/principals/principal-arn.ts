/**
 * ARNs of principals: users, roles and an account's root; and names of services, which have none.
 *
 * Rules: IAM User Guide, "IAM identifiers" and "IAM and AWS STS quotas" (names of 1 to 64 characters,
 * paths of at most 512).
 */

import { PrincipalArnError } from './errors.ts'

export interface PrincipalArn {
  account: string
  kind: 'user' | 'role' | 'root'
}

const NAME = '[A-Za-z0-9+=,.@_-]{1,64}'
const PATH = '(?:[A-Za-z0-9+=,.@_-]+/)*'
const PRINCIPAL_ARN = new RegExp(`^arn:aws:iam::(\\d{12}):(?:(root)|(user|role)/(${PATH})${NAME})$`)
const MAX_PATH_CHARACTERS = 512

/** As in `Principal: {"Service": …}`: a name under amazonaws.com or one of the operator's own domain. */
const SERVICE_NAME = /^(?=.{1,128}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/

/** @throws {PrincipalArnError} when it is neither a user's ARN nor a role's nor an account's root */
export function parsePrincipalArn(arn: string): PrincipalArn {
  const [, account, root, kind, path = ''] = PRINCIPAL_ARN.exec(arn) ?? []
  if (account === undefined || path.length > MAX_PATH_CHARACTERS) {
    throw new PrincipalArnError(
      'Cannot use this ARN for a principal: it must be arn:aws:iam::<12 digits>:user/<name> or :role/<name>, ' +
        'with a path before the name or without, or arn:aws:iam::<12 digits>:root',
    )
  }
  return { account, kind: root === undefined ? (kind === 'role' ? 'role' : 'user') : 'root' }
}

/** @throws {PrincipalArnError} when a service cannot be called so */
export function assertServiceName(name: string): void {
  if (SERVICE_NAME.test(name)) return
  throw new PrincipalArnError(
    'Cannot use this name for a service: it must be like s3.amazonaws.com, of small letters, digits, hyphens and dots',
  )
}

/** @param name the user's name, a path before it or not */
export function userArnOf(o: { account: string; name: string }): string {
  return `arn:aws:iam::${o.account}:user/${o.name}`
}

/** @param name the role's name, a path before it or not */
export function roleArnOf(o: { account: string; name: string }): string {
  return `arn:aws:iam::${o.account}:role/${o.name}`
}

/** @returns without its path */
export function roleNameOf(roleArn: string): string {
  return roleArn.slice(roleArn.lastIndexOf('/') + 1)
}
