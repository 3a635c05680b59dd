/** The form of an alias's name, and what a caller may not name. */

import { NotAuthorizedError, ValidationError } from '../errors.ts'

const PREFIX = 'alias/'

/** Limits of KMS's model. */
export const ALIAS_NAME_RULES = { min: 1, max: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ } as const

/**
 * @throws {ValidationError} for a name that can be no alias
 * @throws {NotAuthorizedError} for the names of AWS's own aliases
 */
export function checkAliasName(name: string): void {
  if (!name.startsWith(PREFIX) || name === PREFIX) {
    throw new ValidationError(
      'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    )
  }
  if (name.startsWith('alias/aws/')) throw new NotAuthorizedError('Cannot change the alias: the name is reserved')
  if (name.includes(':')) throw new ValidationError(`${name} contains invalid characters for an alias`)
}

/** @throws {ValidationError} when it names an alias rather than a key */
export function checkAliasTarget(target: string): void {
  if (target.startsWith(PREFIX) || /^arn:[^/]*:alias\//.test(target)) {
    throw new ValidationError('Aliases must refer to keys. Not aliases')
  }
}
