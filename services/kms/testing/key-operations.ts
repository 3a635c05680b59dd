/**
 * For tests: every operation that takes a key, once, with what is to be expected of it. Tables over
 * states, accounts, regions and AWS managed keys are made of these, so that a new operation joins
 * all of them by one entry; a test fails as long as it has none.
 */

import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateGrantCommand,
  DecryptCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  DisableKeyRotationCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  type KMSClient,
  ListAliasesCommand,
  ListGrantsCommand,
  ListKeyPoliciesCommand,
  ListKeyRotationsCommand,
  ListResourceTagsCommand,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
} from '@aws-sdk/client-kms'

export interface Subject {
  readonly client: KMSClient
  /** Id or ARN. */
  readonly key: string
  /** Of the key that is meant, under an empty context. */
  readonly ciphertext: Uint8Array | undefined
  /** Of another, enabled key of the same account. */
  readonly otherKey: string
  readonly otherCiphertext: Uint8Array | undefined
}

export interface KeyOperation {
  /** With what makes it another case of the operation, after a blank. */
  readonly name: string
  /** The states in which it works. */
  readonly works: readonly ('Enabled' | 'Disabled' | 'PendingDeletion')[]
  /** Whether an account may ask it for its AWS managed keys: `sns` through the broker only. */
  readonly onManagedKey: 'account' | 'sns' | 'nobody'
  readonly send: (subject: Subject) => Promise<unknown>
}

const ENABLED = ['Enabled'] as const
const NOT_PENDING = ['Enabled', 'Disabled'] as const
const PENDING = ['PendingDeletion'] as const
const ALL = ['Enabled', 'Disabled', 'PendingDeletion'] as const

const [Plaintext, KeySpec] = [new Uint8Array([1]), 'AES_256'] as const
const Policy = JSON.stringify({ Statement: { Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' } })
const newAlias = () => `alias/made-${performance.now().toFixed(6).replace('.', '-')}`

const row = (
  name: string,
  works: KeyOperation['works'],
  onManagedKey: KeyOperation['onManagedKey'],
  send: KeyOperation['send'],
): KeyOperation => ({ name, works, onManagedKey, send })

// biome-ignore format: a table
export const KEY_OPERATIONS: readonly KeyOperation[] = [
  row('CancelKeyDeletion', PENDING, 'nobody', ({ client, key }) => client.send(new CancelKeyDeletionCommand({ KeyId: key }))),
  row('CreateAlias', NOT_PENDING, 'nobody', ({ client, key }) => client.send(new CreateAliasCommand({ AliasName: newAlias(), TargetKeyId: key }))),
  row('CreateGrant', ENABLED, 'nobody', ({ client, key }) => client.send(new CreateGrantCommand({ KeyId: key, GranteePrincipal: 'arn:aws:iam::444455556666:root', Operations: ['Decrypt'] }))),
  row('Decrypt', ENABLED, 'sns', ({ client, ciphertext }) => client.send(new DecryptCommand({ CiphertextBlob: ciphertext }))),
  row('Decrypt KeyId', ENABLED, 'sns', ({ client, key, ciphertext }) => client.send(new DecryptCommand({ KeyId: key, CiphertextBlob: ciphertext }))),
  row('DescribeKey', ALL, 'account', ({ client, key }) => client.send(new DescribeKeyCommand({ KeyId: key }))),
  row('DisableKey', NOT_PENDING, 'nobody', ({ client, key }) => client.send(new DisableKeyCommand({ KeyId: key }))),
  row('DisableKeyRotation', ENABLED, 'nobody', ({ client, key }) => client.send(new DisableKeyRotationCommand({ KeyId: key }))),
  row('EnableKey', NOT_PENDING, 'nobody', ({ client, key }) => client.send(new EnableKeyCommand({ KeyId: key }))),
  row('EnableKeyRotation', ENABLED, 'nobody', ({ client, key }) => client.send(new EnableKeyRotationCommand({ KeyId: key }))),
  row('Encrypt', ENABLED, 'nobody', ({ client, key }) => client.send(new EncryptCommand({ KeyId: key, Plaintext }))),
  row('GenerateDataKey', ENABLED, 'sns', ({ client, key }) => client.send(new GenerateDataKeyCommand({ KeyId: key, KeySpec }))),
  row('GenerateDataKeyWithoutPlaintext', ENABLED, 'nobody', ({ client, key }) => client.send(new GenerateDataKeyWithoutPlaintextCommand({ KeyId: key, KeySpec }))),
  row('GetKeyPolicy', ALL, 'account', ({ client, key }) => client.send(new GetKeyPolicyCommand({ KeyId: key }))),
  row('GetKeyRotationStatus', ALL, 'account', ({ client, key }) => client.send(new GetKeyRotationStatusCommand({ KeyId: key }))),
  row('ListAliases', ALL, 'account', ({ client, key }) => client.send(new ListAliasesCommand({ KeyId: key }))),
  row('ListGrants', ALL, 'account', ({ client, key }) => client.send(new ListGrantsCommand({ KeyId: key }))),
  row('ListKeyPolicies', ALL, 'account', ({ client, key }) => client.send(new ListKeyPoliciesCommand({ KeyId: key }))),
  row('ListKeyRotations', ALL, 'account', ({ client, key }) => client.send(new ListKeyRotationsCommand({ KeyId: key }))),
  row('ListResourceTags', ALL, 'account', ({ client, key }) => client.send(new ListResourceTagsCommand({ KeyId: key }))),
  row('PutKeyPolicy', ALL, 'nobody', ({ client, key }) => client.send(new PutKeyPolicyCommand({ KeyId: key, Policy }))),
  row('ReEncrypt from', ENABLED, 'nobody', ({ client, ciphertext, otherKey }) => client.send(new ReEncryptCommand({ CiphertextBlob: ciphertext, DestinationKeyId: otherKey }))),
  row('ReEncrypt to', ENABLED, 'nobody', ({ client, key, otherCiphertext }) => client.send(new ReEncryptCommand({ CiphertextBlob: otherCiphertext, DestinationKeyId: key }))),
  row('RotateKeyOnDemand', ENABLED, 'nobody', ({ client, key }) => client.send(new RotateKeyOnDemandCommand({ KeyId: key }))),
  row('ScheduleKeyDeletion', NOT_PENDING, 'nobody', ({ client, key }) => client.send(new ScheduleKeyDeletionCommand({ KeyId: key }))),
  row('TagResource', NOT_PENDING, 'nobody', ({ client, key }) => client.send(new TagResourceCommand({ KeyId: key, Tags: [{ TagKey: 'a', TagValue: 'b' }] }))),
  row('UntagResource', NOT_PENDING, 'nobody', ({ client, key }) => client.send(new UntagResourceCommand({ KeyId: key, TagKeys: ['a'] }))),
  row('UpdateAlias to', NOT_PENDING, 'nobody', async ({ client, key, otherKey }) => {
    const AliasName = newAlias()
    await client.send(new CreateAliasCommand({ AliasName, TargetKeyId: otherKey }))
    await client.send(new UpdateAliasCommand({ AliasName, TargetKeyId: key }))
  }),
  row('UpdateKeyDescription', NOT_PENDING, 'nobody', ({ client, key }) => client.send(new UpdateKeyDescriptionCommand({ KeyId: key, Description: 'new' }))),
]

/** Operations that name an alias of the caller's account and not the key, whose state does not matter to them. */
// biome-ignore format: a table
export const ALIAS_OPERATIONS: readonly (Pick<KeyOperation, 'name'> & { send(o: { client: KMSClient; alias: string; otherKey: string }): Promise<unknown> })[] = [
  { name: 'DeleteAlias', send: ({ client, alias }) => client.send(new DeleteAliasCommand({ AliasName: alias })) },
  { name: 'UpdateAlias from', send: ({ client, alias, otherKey }) => client.send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: otherKey })) },
]

/** Served operations that no row is about: they take no key, or a grant besides (grants.integration-test.ts). */
export const WITHOUT_KEY: readonly string[] = [
  ...['CreateKey', 'GenerateRandom', 'ListKeys', 'ListRetirableGrants', 'RetireGrant', 'RevokeGrant'],
]
