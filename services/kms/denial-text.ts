/** AccessDeniedException's texts, as AWS's shared authorization layer writes them. */

import type { Decision } from '#shared/policy'

type Denial = Extract<Decision, { allowed: false }>

export function denialText(
  denial: Pick<Denial, 'reason' | 'by'>,
  o: { arn: string; permission: string; resource: string },
): string {
  const action = `kms:${o.permission}`
  return `User: ${o.arn} is not authorized to perform: ${action} on resource: ${o.resource} ${whyOf(denial, action)}`
}

function whyOf({ reason, by }: Pick<Denial, 'reason' | 'by'>, action: string): string {
  if (reason === 'explicit-deny') return `with an explicit deny in ${DENYING[by?.source ?? 'identity'] ?? 'a policy'}`
  return `because no ${LACKING[reason]} policy allows the ${action} action`
}

const LACKING = {
  'no-identity-allow': 'identity-based',
  'no-resource-allow': 'resource-based',
  'no-session-allow': 'session',
} as const

const DENYING: Readonly<Record<string, string>> = {
  identity: 'an identity-based policy',
  resource: 'a resource-based policy',
  session: 'a session policy',
}
