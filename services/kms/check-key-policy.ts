/**
 * What PutKeyPolicy and CreateKey refuse of a policy document: too long, no policy, principals that do not exist, conditions
 * that look safe and are not, and, unless told otherwise, one that its author could not change again.
 *
 * Rules: KMS API Reference, PutKeyPolicy. Pure: who exists is asked through `exists`.
 */

import {
  type CompiledPolicy,
  compilePolicy,
  decideByResourcePolicy,
  MalformedPolicyError,
  type PrincipalList,
} from '#shared/policy'
import { LimitExceededError, MalformedPolicyDocumentError } from './errors.ts'
import { EVERYTHING } from './everything.ts'
import { keyConditions } from './key-conditions.ts'
import type { Caller, Conditions, UsedKey } from './key-use.ts'

/** KMS's model on the member; its own limit is lower. */
export const POLICY_RULES = { min: 1, max: 131_072, pattern: /^[\t\n\r -\u00FF]+$/ } as const

/** In bytes. */
const MAX_BYTES = 32_768

/**
 * @param o.aliasesOf names of the key's aliases
 * @param o.exists whether there is such a user or role, told by its ARN
 * @param o.bypassLockoutCheck the caller says that it knows
 * @throws {LimitExceededError} {MalformedPolicyDocumentError}
 */
export function checkKeyPolicy(
  text: string,
  o: {
    key: UsedKey
    caller: Caller
    aliasesOf: (key: UsedKey) => readonly string[]
    exists: (arn: string) => boolean
    bypassLockoutCheck: boolean
  },
): void {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new LimitExceededError(`A key policy may have ${MAX_BYTES} bytes, not more.`)
  }
  const policy = compile(text)
  for (const { principals, notPrincipals, conditions } of policy.statements) {
    if (!areKnown(principals, o.exists) || !areKnown(notPrincipals, o.exists)) {
      throw new MalformedPolicyDocumentError('Policy contains a statement with one or more invalid principals.')
    }
    const loose = conditions.find(({ operator, key }) => OVER_ALL.test(operator) && ENCRYPTION_CONTEXT.test(key))
    if (loose !== undefined) {
      throw new MalformedPolicyDocumentError(
        `OverlyPermissiveCondition:EncryptionContext: ${loose.operator} on one pair of the encryption context holds ` +
          'without the pair, too. Use the operator without ForAllValues or ForAnyValue.',
      )
    }
  }
  if (!o.bypassLockoutCheck && !mayPutAgain(policy, o)) {
    throw new MalformedPolicyDocumentError(
      'The new key policy will not allow you to update the key policy in the future.',
    )
  }
}

const OVER_ALL = /^For(?:All|Any)Values?:/
const ENCRYPTION_CONTEXT = /^kms:EncryptionContext:/i

function compile(text: string): CompiledPolicy {
  try {
    return compilePolicy(text, { kind: 'key' })
  } catch (error) {
    if (!(error instanceof MalformedPolicyError)) throw error
    if (error.reason === 'bad-principal') {
      throw new MalformedPolicyDocumentError('Policy contains a statement with one or more invalid principals.')
    }
    // Reason and place are of ours; the document itself is not repeated.
    throw new MalformedPolicyDocumentError(
      `The policy document is malformed: ${error.reason} at ${error.place || 'top level'}.`,
    )
  }
}

/**
 * The key policy must let the caller or its account put a policy; what identity policies say may change any time. It must do
 * so for good: a permission that ends some day, or a Deny that begins, locks out as well.
 */
function mayPutAgain(
  policy: CompiledPolicy,
  { key, caller, aliasesOf }: { key: UsedKey; caller: Caller; aliasesOf: (key: UsedKey) => readonly string[] },
): boolean {
  const { kind, arn, account, roleArn } = caller.subject
  const subject = { kind, arn, account, roleArn, policies: EVERYTHING }
  const use = { permission: 'PutKeyPolicy', conditions: WITH_CHECK }
  return ALWAYS.every((time) =>
    keyConditions(key, use, { caller: new Map([...caller.conditions, ...time]), aliasesOf }).every((context) => {
      const request = { subject, action: 'kms:PutKeyPolicy', resource: key.arn, resourceAccount: key.account, context }
      return decideByResourcePolicy(request, policy).allowed
    }),
  )
}

const WITH_CHECK = new Map([['kms:bypasspolicylockoutsafetycheck', 'false']])

/** Now, and long after any date that a policy could mean. */
const ALWAYS: readonly Conditions[] = [
  new Map(),
  new Map([
    ['aws:currenttime', '9999-12-31T23:59:59Z'],
    ['aws:epochtime', '253402300799'],
  ]),
]

function areKnown(list: PrincipalList | undefined, exists: (arn: string) => boolean): boolean {
  if (list === undefined) return true
  // Accounts are taken on trust: nobody here knows all there are.
  return list.canonicalUsers.length === 0 && list.aws.every((arn) => arn.endsWith(':root') || exists(arn))
}
