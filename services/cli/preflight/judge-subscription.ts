/** Whether a subscription takes what is sent to it, as far as it can be told without sending anything. Pure. */

import type { Subscription } from '#shared/catalog'
import { type EndpointNetworks, judgeHost } from '#shared/endpoint-guard'
import type { Step } from './report.ts'

export function judgeSubscription(
  { state, endpoint }: Pick<Subscription, 'endpoint' | 'state'>,
  { networks }: { networks: EndpointNetworks },
): Step {
  const refused = (why: string): Step => ({ step: 'deliver', verdict: 'refused', why, missing: [] })
  if (state === 'pending') return refused('it waits for its confirmation: visit the SubscribeURL that was sent to it')
  if (state !== 'confirmed') return refused('it was ended by its own link')
  const host = URL.parse(endpoint)?.hostname
  if (host === undefined || host === '') return refused('its endpoint is no URL')
  const guarded = judgeHost(host, networks)
  if (guarded !== undefined) {
    return refused(`the endpoint guard refuses ${guarded} addresses: see SEALCAST_ENDPOINT_NETWORKS`)
  }
  return { step: 'deliver', verdict: 'allowed', why: 'confirmed, and its endpoint is allowed', missing: [] }
}
