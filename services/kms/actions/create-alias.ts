/** CreateAlias: a name for a key of the caller's own account and region. */

import { NotAuthorizedError, ValidationError } from '../errors.ts'
import { type Action, KEY_ID_RULES, resolveKey } from './action.ts'

const PREFIX = 'alias/'
const NAME_RULES = { min: 1, max: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ } as const

export const createAlias: Action = async (request) => {
  const { name, target } = request.readMembers((read) => ({
    name: read.requiredText('AliasName', NAME_RULES),
    target: read.requiredText('TargetKeyId', KEY_ID_RULES),
  }))
  checkName(name)
  if (isAlias(target)) throw new ValidationError('Aliases must refer to keys. Not aliases')
  const key = resolveKey(target, request, { aliases: false })
  const { account, region } = key
  await request.keyStore.createAlias({ account, region, name, targetKeyId: key.id })
  return undefined
}

function checkName(name: string): void {
  if (!name.startsWith(PREFIX) || name === PREFIX) {
    throw new ValidationError(
      'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    )
  }
  if (name.startsWith('alias/aws/')) throw new NotAuthorizedError('Cannot create the alias: the name is reserved')
  if (name.includes(':')) throw new ValidationError(`${name} contains invalid characters for an alias`)
}

function isAlias(target: string): boolean {
  return target.startsWith(PREFIX) || /^arn:[^/]*:alias\//.test(target)
}
