/** ListKeys: the keys of the caller's account and region. */

import { authorizeAccount } from '../authorize.ts'
import type { Action } from './action.ts'
import { MARKER_RULES, paginate } from './paginate.ts'

export const listKeys: Action = (request) => {
  const { operation, caller, keyStore } = request
  const input = request.readMembers((read) => ({
    limit: read.integer('Limit', { min: 1, max: 1000 }) ?? 100,
    marker: read.text('Marker', MARKER_RULES),
  }))
  authorizeAccount(request, operation)
  const { page, next } = paginate(keyStore.listKeys(caller), { ...input, operation, keyOf: ({ id }) => id })
  return { Keys: page.map(({ id, arn }) => ({ KeyId: id, KeyArn: arn })), ...next }
}
