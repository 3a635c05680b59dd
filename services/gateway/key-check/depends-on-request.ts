/** Whether a request could bring along what makes policies allow that refuse without it. Pure. */

import type { CompiledPolicy } from '#shared/policy'
import type { Principal } from '#shared/principals'

/** Where somebody publishes from. */
const OF_CONNECTION = /^aws:(?:sourceip|useragent)$/
/** For whom a service acts. */
const OF_SOURCE = /^aws:source(?:arn|account|owner|orgid|orgpaths)$/
/** What a session was named and tagged, by whom, and when. */
const OF_SESSION = /^(?:aws:(?:userid|principaltag\/.*|sourceidentity|tokenissuetime)|sts:.*)$/

export function dependsOnRequest({ kind }: Principal, policies: readonly CompiledPolicy[]): boolean {
  const ofKind = kind === 'service' ? OF_SOURCE : kind === 'role-session' ? OF_SESSION : undefined
  return policies.some(
    ({ conditionKeys, text }) =>
      [...conditionKeys].some((key) => OF_CONNECTION.test(key) || ofKind?.test(key)) ||
      // Policies may also name one session.
      (kind === 'role-session' && text.includes(':assumed-role/')),
  )
}
