/**
 * ExplainKeyAccess: what would be decided if SNS asked for a data key for somebody, and when a worker opens a message that
 * was accepted from them. An operation of this KMS alone, for the broker alone: `sealcast preflight` asks it.
 *
 * Finds the key and decides as GenerateDataKey and Decrypt do, by the same functions, and does nothing else: no data key, no
 * key of AWS's own that comes into being; one that the first use would make is told of under its alias. To an operator it tells of keys that are there and of those that are not.
 */

import { decideKeyUse } from '../authorize.ts'
import { SNS_ALIAS } from '../aws-managed-keys.ts'
import { NotFoundError } from '../errors.ts'
import { keyArnOf, parseKeyIdentifier } from '../key-identifier.ts'
import { keyPolicyTextOf } from '../key-policy.ts'
import type { Caller } from '../key-use.ts'
import { type Action, KEY_ID_RULES } from './action.ts'
import { findKeyToMake } from './make-managed-key.ts'
import { readEncryptionContext } from './read-encryption-context.ts'

const ASKED: readonly { permission: string; rule: Caller['rule'] }[] = [
  { permission: 'GenerateDataKey', rule: 'own' },
  { permission: 'Decrypt', rule: 'own' },
  { permission: 'Decrypt', rule: 'accepted' },
]

export const explainKeyAccess: Action = (request) => {
  const { caller, keyStore } = request
  const { keyId, encryptionContext } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    encryptionContext: readEncryptionContext(read),
  }))
  const reference = parseKeyIdentifier(keyId, caller, { aliases: true })
  const alias = reference.kind === 'alias' ? keyStore.findAlias(reference.arn) : undefined
  const found = keyStore.findKey(alias === undefined ? reference.arn : keyArnOf(alias, alias.targetKeyId))
  const toMake = found === undefined ? findKeyToMake(keyId, request) : undefined
  const key = found ?? toMake
  if (key === undefined) throw new NotFoundError(`Key '${reference.arn}' does not exist`)
  const keyArn = found?.arn ?? reference.arn
  request.note({ keyArn })
  const decisions = ASKED.map(({ permission, rule }) => {
    const use = { permission, encryptionContext, requestAlias: toMake === undefined ? alias?.name : SNS_ALIAS }
    return { permission, rule, decision: decideKeyUse({ ...request, caller: { ...caller, rule } }, key, use) }
  })
  return { kind: 'key', keyArn, keyState: key.state, keyPolicy: keyPolicyTextOf(key), decisions }
}
