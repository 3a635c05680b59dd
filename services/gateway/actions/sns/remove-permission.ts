/** RemovePermission: takes the statement of a label out of a topic's policy. One that is not there is removed already. */

import { removePermission as withoutPermission } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { changePermissions } from '../../change-permissions.ts'
import { requireParameter } from '../../require-parameter.ts'
import { resolveTopic } from '../../resolve-topic.ts'

export const removePermission: Action = {
  name: 'RemovePermission',
  signature: 'required',
  async run({ parameters, caller }, services) {
    const place = resolveTopic(parameters.get('TopicArn'), { caller })
    const label = requireParameter(parameters, 'Label')
    const edit = (policy: string) => withoutPermission(policy, place.arn, label)
    await changePermissions({ caller, action: 'RemovePermission', place, edit }, services)
    return undefined
  },
}
