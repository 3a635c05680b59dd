/**
 * Which operations there are: those served here, one file each in actions/, and the rest of KMS's
 * model, which is refused by name so that a caller learns that it asked rightly and in vain.
 */

import type { Action } from './actions/action.ts'
import { createAlias, deleteAlias, updateAlias } from './actions/change-alias.ts'
import { createKey } from './actions/create-key.ts'
import { decrypt } from './actions/decrypt.ts'
import { describeKey } from './actions/describe-key.ts'
import { disableKey, enableKey } from './actions/enable-disable-key.ts'
import { encrypt } from './actions/encrypt.ts'
import { explainKeyAccess } from './actions/explain-key-access.ts'
import { generateDataKey, generateDataKeyWithoutPlaintext } from './actions/generate-data-key.ts'
import { generateRandom } from './actions/generate-random.ts'
import { createGrant } from './actions/grants/create-grant.ts'
import { retireGrant, revokeGrant } from './actions/grants/end-grant.ts'
import { listGrants, listRetirableGrants } from './actions/grants/list-grants.ts'
import { cancelKeyDeletion, scheduleKeyDeletion } from './actions/key-deletion.ts'
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from './actions/key-policies.ts'
import {
  disableKeyRotation,
  enableKeyRotation,
  getKeyRotationStatus,
  rotateKeyOnDemand,
} from './actions/key-rotation.ts'
import { listAliases } from './actions/list-aliases.ts'
import { listKeyRotations } from './actions/list-key-rotations.ts'
import { listKeys } from './actions/list-keys.ts'
import { reEncrypt } from './actions/re-encrypt.ts'
import { listResourceTags, tagResource, untagResource } from './actions/tags.ts'
import { updateKeyDescription } from './actions/update-key-description.ts'
import { UnknownOperationError, UnsupportedOperationError } from './errors.ts'

const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ['CancelKeyDeletion', cancelKeyDeletion],
  ['CreateAlias', createAlias],
  ['CreateGrant', createGrant],
  ['CreateKey', createKey],
  ['Decrypt', decrypt],
  ['DeleteAlias', deleteAlias],
  ['DescribeKey', describeKey],
  ['DisableKey', disableKey],
  ['DisableKeyRotation', disableKeyRotation],
  ['EnableKey', enableKey],
  ['EnableKeyRotation', enableKeyRotation],
  ['Encrypt', encrypt],
  ['GenerateDataKey', generateDataKey],
  ['GenerateDataKeyWithoutPlaintext', generateDataKeyWithoutPlaintext],
  ['GenerateRandom', generateRandom],
  ['GetKeyPolicy', getKeyPolicy],
  ['GetKeyRotationStatus', getKeyRotationStatus],
  ['ListAliases', listAliases],
  ['ListGrants', listGrants],
  ['ListKeyPolicies', listKeyPolicies],
  ['ListKeyRotations', listKeyRotations],
  ['ListKeys', listKeys],
  ['ListResourceTags', listResourceTags],
  ['ListRetirableGrants', listRetirableGrants],
  ['PutKeyPolicy', putKeyPolicy],
  ['ReEncrypt', reEncrypt],
  ['RetireGrant', retireGrant],
  ['RevokeGrant', revokeGrant],
  ['RotateKeyOnDemand', rotateKeyOnDemand],
  ['ScheduleKeyDeletion', scheduleKeyDeletion],
  ['TagResource', tagResource],
  ['UntagResource', untagResource],
  ['UpdateAlias', updateAlias],
  ['UpdateKeyDescription', updateKeyDescription],
])

/** What KMS does not have: for the broker's own command. */
const OWN: ReadonlyMap<string, Action> = new Map([['ExplainKeyAccess', explainKeyAccess]])

export const SERVED_OPERATIONS: readonly string[] = [...ACTIONS.keys()]

/** All operations of KMS's service model, API version 2014-11-01. */
const MODEL: ReadonlySet<string> = new Set([
  ...['CancelKeyDeletion', 'ConnectCustomKeyStore', 'CreateAlias', 'CreateCustomKeyStore', 'CreateGrant'],
  ...['CreateKey', 'Decapsulate', 'Decrypt', 'DeleteAlias', 'DeleteCustomKeyStore', 'DeleteImportedKeyMaterial'],
  ...['DeriveSharedSecret', 'DescribeCustomKeyStores', 'DescribeKey', 'DisableKey', 'DisableKeyRotation'],
  ...['DisconnectCustomKeyStore', 'EnableKey', 'EnableKeyRotation', 'Encapsulate', 'Encrypt', 'GenerateDataKey'],
  ...['GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext', 'GenerateDataKeyWithoutPlaintext'],
  ...['GenerateMac', 'GenerateRandom', 'GetKeyLastUsage', 'GetKeyPolicy', 'GetKeyRotationStatus'],
  ...['GetParametersForImport', 'GetPublicKey', 'ImportKeyMaterial', 'ListAliases', 'ListGrants'],
  ...['ListKeyPolicies', 'ListKeyRotations', 'ListKeys', 'ListResourceTags', 'ListRetirableGrants'],
  ...['PutKeyPolicy', 'ReEncrypt', 'ReplicateKey', 'RetireGrant', 'RevokeGrant', 'RotateKeyOnDemand'],
  ...['ScheduleKeyDeletion', 'Sign', 'TagResource', 'UntagResource', 'UpdateAlias', 'UpdateCustomKeyStore'],
  ...['UpdateKeyDescription', 'UpdatePrimaryRegion', 'Verify', 'VerifyMac'],
])

const TARGET_PREFIX = 'TrentService.'

/** @returns the operation's name, or undefined when the target names none of KMS's: safe as a metric's label */
export function operationOf(target: string | undefined): string | undefined {
  const name = target?.startsWith(TARGET_PREFIX) ? target.slice(TARGET_PREFIX.length) : ''
  return MODEL.has(name) || OWN.has(name) ? name : undefined
}

/**
 * @throws {UnknownOperationError} when KMS has no such operation
 * @throws {UnsupportedOperationError} when KMS has it and this one does not
 */
export function actionOf(operation: string | undefined): Action {
  if (operation === undefined) throw new UnknownOperationError('The operation is not one of KMS.')
  const action = ACTIONS.get(operation) ?? OWN.get(operation)
  if (action === undefined) throw new UnsupportedOperationError(`The operation ${operation} is not supported.`)
  return action
}
