/** STS GetCallerIdentity: who the signature says you are. Needs no permission, as on AWS. */

import type { Action } from '../../action.ts'

export const getCallerIdentity: Action = {
  name: 'GetCallerIdentity',
  signature: 'required',
  async run({ caller: { principal } }) {
    return [
      ['Arn', principal.arn],
      ['UserId', principal.userId],
      ['Account', principal.account],
    ]
  },
}
