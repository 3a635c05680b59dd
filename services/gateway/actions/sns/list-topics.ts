/** ListTopics: the caller's topics of one region, 100 a page, by name. */

import type { Action } from '../../action.ts'
import { allTopicsOf } from '../../all-topics.ts'
import { decodePageToken, encodePageToken } from '../../page-token.ts'

/** Fixed by SNS. */
const PAGE_SIZE = 100

export const listTopics: Action = {
  name: 'ListTopics',
  signature: 'required',
  async run({ parameters, caller }, { authorize, catalog }) {
    authorize(caller, 'ListTopics', allTopicsOf(caller))
    const account = caller.principal.account
    const after = decodePageToken(parameters.get('NextToken'), `arn:aws:sns:${caller.region}:${account}:`)
    const { arns, next } = await catalog.listTopics({
      account,
      region: caller.region,
      limit: PAGE_SIZE,
      ...(after === undefined ? {} : { after }),
    })
    return [
      ['Topics', arns.map((arn) => ['member', [['TopicArn', arn]]] as const)],
      ...(next === undefined ? [] : [['NextToken', encodePageToken(next)] as const]),
    ]
  },
}
