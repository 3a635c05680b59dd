/** AddPermission: lets accounts do some actions on a topic, by a statement of its policy that has the label as its Sid. */

import { memberNotNull, type Parameters, addPermission as withPermission } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { changePermissions } from '../../change-permissions.ts'
import { requireParameter } from '../../require-parameter.ts'
import { resolveTopic } from '../../resolve-topic.ts'

export const addPermission: Action = {
  name: 'AddPermission',
  signature: 'required',
  async run({ parameters, caller }, services) {
    const place = resolveTopic(parameters.get('TopicArn'), { caller })
    const permission = {
      label: requireParameter(parameters, 'Label'),
      accounts: requireList(parameters, 'AWSAccountId', 'aWSAccountId'),
      actions: requireList(parameters, 'ActionName', 'actionName'),
    }
    const edit = (policy: string) => withPermission(policy, place.arn, permission)
    await changePermissions({ caller, action: 'AddPermission', place, edit }, services)
    return undefined
  },
}

function requireList(parameters: Parameters, name: string, path: string): readonly string[] {
  const list = parameters.list(name)
  if (list.length === 0) throw memberNotNull(path)
  return list
}
