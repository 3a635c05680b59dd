/** Whether a key policy may name a user, a role or a session: as in AWS only one that there is. */

import type { Principals } from '#shared/principals'

export type KnownPrincipals = Pick<Principals, 'findPrincipal' | 'findRoleByName'>

/** The broker's, which the principals file does not have. */
const BROKER_ROLE = /^arn:aws:iam::\d{12}:role\/sealcast-broker$/

/** A session's ARN names its role without the path. Of a session only the role can be known to exist. */
const SESSION = /^arn:aws:sts::(?<account>\d{12}):assumed-role\/(?<name>[^/]+)\/[^/]+$/

export function createPrincipalExists(principals: KnownPrincipals): (arn: string) => boolean {
  return (arn) => {
    const { account, name } = SESSION.exec(arn)?.groups ?? {}
    if (account !== undefined && name !== undefined) return principals.findRoleByName({ account, name }) !== undefined
    return BROKER_ROLE.test(arn) || principals.findPrincipal(arn) !== undefined
  }
}
