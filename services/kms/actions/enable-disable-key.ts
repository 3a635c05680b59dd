/** EnableKey and DisableKey: a key's switch. Repeating one is no error. */

import { switchKey } from '../key-lifecycle.ts'
import { type Action, KEY_ID_RULES, resolveKey } from './action.ts'

export const enableKey: Action = (request) => change(request, 'Enabled')

export const disableKey: Action = (request) => change(request, 'Disabled')

async function change(request: Parameters<Action>[0], state: 'Enabled' | 'Disabled'): Promise<undefined> {
  const keyId = request.readMembers((read) => read.requiredText('KeyId', KEY_ID_RULES))
  const { arn } = resolveKey(keyId, request, { aliases: false })
  await request.keyStore.changeKey(arn, (key) => switchKey(key, state))
}
