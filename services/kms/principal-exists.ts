/** Whether a key policy may name a user, a role or a session: as in AWS only one that there is. */

import type { Principals } from '#shared/principals'

/** The broker's, which the principals file does not have. */
const BROKER_ROLE = /^arn:aws:iam::\d{12}:role\/sealcast-broker$/

const SESSION = /^arn:aws:sts::(?<account>\d{12}):assumed-role\/(?<role>[^/]+)\/[^/]+$/

export function createPrincipalExists(principals: Pick<Principals, 'findPrincipal'>): (arn: string) => boolean {
  return (arn) => BROKER_ROLE.test(arn) || principals.findPrincipal(roleOrItself(arn)) !== undefined
}

/** Of a session only the role can be known to exist; one in a path is not found by its name. */
function roleOrItself(arn: string): string {
  const { account, role } = SESSION.exec(arn)?.groups ?? {}
  return role === undefined ? arn : `arn:aws:iam::${account}:role/${role}`
}
