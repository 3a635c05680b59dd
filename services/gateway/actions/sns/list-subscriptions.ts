/** ListSubscriptions: what the caller's account subscribed to in one region, on whosever topics; 100 a page. */

import type { Action } from '../../action.ts'
import { allTopicsOf } from '../../all-topics.ts'
import { decodePageToken } from '../../page-token.ts'
import { PAGE_SIZE, subscriptionList } from '../../subscription-list.ts'

export const listSubscriptions: Action = {
  name: 'ListSubscriptions',
  signature: 'required',
  async run({ parameters, caller }, { authorize, catalog, clock }) {
    const { region } = caller
    authorize(caller, 'ListSubscriptions', allTopicsOf(caller))
    const after = decodePageToken(parameters.get('NextToken'), `arn:aws:sns:${region}:`)
    const { subscriptions, next } = await catalog.listSubscriptionsOfAccount({
      account: caller.principal.account,
      region,
      limit: PAGE_SIZE,
      now: clock.now(),
      ...(after === undefined ? {} : { after }),
    })
    return subscriptionList(subscriptions, next)
  },
}
