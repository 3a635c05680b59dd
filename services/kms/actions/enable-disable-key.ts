/** EnableKey and DisableKey: a key's switch. Repeating one is no error. */

import { type Action, KEY_ID_RULES, resolveKey } from './action.ts'

export const enableKey: Action = (request) => switchKey(request, 'Enabled')

export const disableKey: Action = (request) => switchKey(request, 'Disabled')

async function switchKey(request: Parameters<Action>[0], state: 'Enabled' | 'Disabled'): Promise<undefined> {
  const keyId = request.readMembers((read) => read.requiredText('KeyId', KEY_ID_RULES))
  const { arn } = resolveKey(keyId, request, { aliases: false })
  await request.keyStore.setKeyState(arn, state)
}
