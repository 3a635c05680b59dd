/** What an action is on that is on no single topic: all of the caller's account in the request's region, as SNS names it. */

import { topicArnOf } from '#shared/catalog'
import type { Caller } from './caller.ts'

export function allTopicsOf({ principal: { account }, region }: Caller): { arn: string; account: string } {
  return { arn: topicArnOf({ region, account, name: '*' }), account }
}
