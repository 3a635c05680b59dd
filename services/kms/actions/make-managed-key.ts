/** Brings SNS's own key of an account into being. */

import { randomUUID } from 'node:crypto'
import { decideKeyUse } from '../authorize.ts'
import { SNS_ALIAS } from '../aws-managed-keys.ts'
import { KeystoreWriteError, KeyUnavailableError } from '../errors.ts'
import { aliasArnOf, keyArnOf, parseKeyIdentifier } from '../key-identifier.ts'
import type { KmsKey } from '../key-store.ts'
import type { ActionRequest } from './action.ts'

const DESCRIPTION = 'Default key that protects my SNS data when no other key is defined'

/** AWS rotates its own keys every year. */
const ROTATION_DAYS = 365

/**
 * Makes SNS's key when `identifier` is its alias in the caller's account and region and there is none
 * yet: for SNS, and for whoever asks what the key is, as KMS does.
 *
 * @throws {NotFoundError} when `identifier` cannot name any key here
 * @throws {KeyUnavailableError} when it cannot be stored now
 * @throws {LimitExceededError} when the account has as many keys as it may
 */
export async function makeManagedKeyOnUse(
  identifier: string,
  request: Pick<ActionRequest, 'caller' | 'operation' | 'keyStore'>,
): Promise<void> {
  const { caller, operation, keyStore } = request
  const key = findKeyToMake(identifier, request)
  if (key === undefined) return
  if (!caller.viaService && operation !== 'DescribeKey') return
  const { account, region } = caller
  // Asked of the key as it would be: nobody makes one whom it then refuses.
  if (!decideKeyUse(request, key, { permission: operation, requestAlias: SNS_ALIAS }).allowed) return
  const rotationDays = ROTATION_DAYS
  await keyStore
    .ensureManagedKey({ account, region, alias: SNS_ALIAS, description: DESCRIPTION, rotationDays })
    .catch(asUnavailable)
}

/**
 * @returns SNS's key as it would be made, with an id that it will not have; undefined when `identifier` is not its alias in
 * the caller's account and region, or when there is one already
 * @throws {NotFoundError} when `identifier` cannot name any key here
 */
export function findKeyToMake(
  identifier: string,
  { caller, keyStore }: Pick<ActionRequest, 'caller' | 'keyStore'>,
): KmsKey | undefined {
  const arn = aliasArnOf(caller, SNS_ALIAS)
  if (parseKeyIdentifier(identifier, caller, { aliases: true }).arn !== arn) return undefined
  if (keyStore.findAlias(arn) !== undefined) return undefined
  const { account, region } = caller
  const id = randomUUID()
  return { ...AS_MADE, id, account, region, arn: keyArnOf(caller, id) }
}

const AS_MADE = {
  description: DESCRIPTION,
  tags: [],
  createdAt: 0,
  manager: 'AWS',
  state: 'Enabled',
  materials: [],
} as const

/** Not an outage of all keys: callers would then spare this KMS the questions that it can answer. */
function asUnavailable(error: unknown): never {
  if (!(error instanceof KeystoreWriteError)) throw error
  const text = 'The specified KMS key was not available. You can retry the request.'
  throw new KeyUnavailableError(text, { cause: error })
}
