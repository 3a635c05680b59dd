/** ListKeys: the keys of the caller's account and region. */

import type { Action } from './action.ts'
import { MARKER_RULES, paginate } from './paginate.ts'

export const listKeys: Action = ({ operation, caller, keyStore, readMembers }) => {
  const input = readMembers((read) => ({
    limit: read.integer('Limit', { min: 1, max: 1000 }) ?? 100,
    marker: read.text('Marker', MARKER_RULES),
  }))
  const { page, next } = paginate(keyStore.listKeys(caller), { ...input, operation, keyOf: ({ id }) => id })
  return { Keys: page.map(({ id, arn }) => ({ KeyId: id, KeyArn: arn })), ...next }
}
