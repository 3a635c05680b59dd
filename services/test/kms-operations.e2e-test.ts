/** The local KMS that `up` starts, by the AWS SDK: every operation it serves, once, in the life of two keys. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateKeyCommand,
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
  GenerateRandomCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  type KMSClient,
  ListAliasesCommand,
  ListKeyPoliciesCommand,
  ListKeyRotationsCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  ReEncryptCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
} from '@aws-sdk/client-kms'
import { kmsClient } from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'

suite('the local KMS of a stack', () => {
  let stack: Stack
  let kms: KMSClient
  const alias = 'alias/orders'
  const EncryptionContext = { purpose: 'orders' }

  before(async () => {
    stack = await startStack()
    kms = kmsClient(stack)
  })
  after(async () => {
    kms.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('makes keys, names them and describes them', async () => {
    const [old, next] = [await createKey('old'), await createKey('new')]
    await kms.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: old }))
    await kms.send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: next }))
    assert.equal((await kms.send(new DescribeKeyCommand({ KeyId: alias }))).KeyMetadata?.Arn, next)
    const { Aliases } = await kms.send(new ListAliasesCommand({ KeyId: next }))
    assert.deepEqual(
      Aliases?.map(({ AliasName }) => AliasName),
      [alias],
    )
    await kms.send(new DeleteAliasCommand({ AliasName: alias }))
    const listed = (await kms.send(new ListKeysCommand({}))).Keys?.map(({ KeyArn }) => KeyArn) ?? []
    assert.ok(listed.includes(old) && listed.includes(next))
    await kms.send(new UpdateKeyDescriptionCommand({ KeyId: old, Description: 'retired' }))
    assert.equal((await kms.send(new DescribeKeyCommand({ KeyId: old }))).KeyMetadata?.Description, 'retired')
    await kms.send(new TagResourceCommand({ KeyId: old, Tags: [{ TagKey: 'a', TagValue: 'b' }] }))
    await kms.send(new UntagResourceCommand({ KeyId: old, TagKeys: ['team'] }))
    const { Tags } = await kms.send(new ListResourceTagsCommand({ KeyId: old }))
    assert.deepEqual(Tags, [{ TagKey: 'a', TagValue: 'b' }])
    const [PolicyName] = (await kms.send(new ListKeyPoliciesCommand({ KeyId: old }))).PolicyNames ?? []
    const { Policy } = await kms.send(new GetKeyPolicyCommand({ KeyId: old, PolicyName }))
    assert.equal(JSON.parse(String(Policy)).Id, 'key-default-1')
  })

  test('encrypts, generates and carries over, and opens all of it', async () => {
    const [old, next] = [await createKey('old'), await createKey('new')]
    const Plaintext = new Uint8Array([1, 2, 3])
    const encrypted = await kms.send(new EncryptCommand({ KeyId: old, Plaintext, EncryptionContext }))
    const moved = await kms.send(
      new ReEncryptCommand({
        CiphertextBlob: encrypted.CiphertextBlob,
        SourceEncryptionContext: EncryptionContext,
        DestinationKeyId: next,
        DestinationEncryptionContext: EncryptionContext,
      }),
    )
    await kms.send(new DisableKeyCommand({ KeyId: old }))
    assert.deepEqual(await decrypt(moved.CiphertextBlob), Buffer.from(Plaintext))
    await kms.send(new EnableKeyCommand({ KeyId: old }))
    assert.deepEqual(await decrypt(encrypted.CiphertextBlob), Buffer.from(Plaintext))
    const size = { KeyId: next, KeySpec: 'AES_256', EncryptionContext } as const
    const dataKey = await kms.send(new GenerateDataKeyCommand(size))
    assert.deepEqual(await decrypt(dataKey.CiphertextBlob), Buffer.from(dataKey.Plaintext ?? []))
    const withheld = await kms.send(new GenerateDataKeyWithoutPlaintextCommand(size))
    assert.equal((await decrypt(withheld.CiphertextBlob)).byteLength, 32)
    const random = await kms.send(new GenerateRandomCommand({ NumberOfBytes: 24 }))
    assert.equal(random.Plaintext?.byteLength, 24)
  })

  test('rotates, schedules for deletion and cancels that', async () => {
    const KeyId = await createKey('rotated')
    const { CiphertextBlob } = await kms.send(
      new EncryptCommand({ KeyId, Plaintext: new Uint8Array([7]), EncryptionContext }),
    )
    await kms.send(new EnableKeyRotationCommand({ KeyId }))
    await kms.send(new RotateKeyOnDemandCommand({ KeyId }))
    assert.equal((await kms.send(new GetKeyRotationStatusCommand({ KeyId }))).KeyRotationEnabled, true)
    assert.equal((await kms.send(new ListKeyRotationsCommand({ KeyId }))).Rotations?.length, 1)
    await kms.send(new DisableKeyRotationCommand({ KeyId }))
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId }))
    await kms.send(new CancelKeyDeletionCommand({ KeyId }))
    await kms.send(new EnableKeyCommand({ KeyId }))
    assert.deepEqual(await decrypt(CiphertextBlob), Buffer.from([7]))
  })

  async function createKey(Description: string): Promise<string> {
    const Tags = [{ TagKey: 'team', TagValue: 'orders' }]
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Description, Tags }))
    return KeyMetadata?.Arn ?? ''
  }

  async function decrypt(CiphertextBlob: Uint8Array | undefined): Promise<Buffer> {
    const { Plaintext } = await kms.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))
    return Buffer.from(Plaintext ?? [])
  }
})
