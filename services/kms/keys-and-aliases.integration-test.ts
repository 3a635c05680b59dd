/** Keys and aliases of the real KMS process, driven by the real AWS SDK. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  ListAliasesCommand,
  ListKeysCommand,
} from '@aws-sdk/client-kms'
import { refuses, type TestKms } from '#shared/test-kms'
import { type KmsStage, startKmsStage } from './testing/kms-stage.ts'

let stage: KmsStage
let _kms: TestKms
const setup = (o?: Parameters<KmsStage['setUp']>[0]) => stage.setUp(o)

before(async () => {
  stage = await startKmsStage()
  _kms = stage.kms
})
after(() => stage[Symbol.asyncDispose]())

suite('keys and aliases', () => {
  test('CreateKey and DescribeKey give the metadata of a default symmetric key', async () => {
    const { client } = setup()
    const { KeyMetadata: created } = await client.send(new CreateKeyCommand({ Description: 'für Aufträge' }))
    const { KeyMetadata: described } = await client.send(new DescribeKeyCommand({ KeyId: created?.KeyId }))
    assert.deepEqual(described, created)
    const { KeyId: id, Arn: arn, CreationDate, CurrentKeyMaterialId, ...rest } = created ?? {}
    assert.equal(arn, `arn:aws:kms:us-east-1:000000000000:key/${id}`)
    assert.ok(CreationDate instanceof Date && Math.abs(CreationDate.getTime() - Date.now()) < 60_000)
    assert.match(String(CurrentKeyMaterialId), /^[0-9a-f]{64}$/)
    assert.deepEqual(rest, {
      AWSAccountId: '000000000000',
      Enabled: true,
      Description: 'für Aufträge',
      KeyUsage: 'ENCRYPT_DECRYPT',
      KeyState: 'Enabled',
      Origin: 'AWS_KMS',
      KeyManager: 'CUSTOMER',
      CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
      KeySpec: 'SYMMETRIC_DEFAULT',
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
      MultiRegion: false,
    })
  })

  test('CreateKey takes values that say what is so anyway', async () => {
    const { client } = setup()
    await client.send(
      new CreateKeyCommand({
        KeySpec: 'SYMMETRIC_DEFAULT',
        KeyUsage: 'ENCRYPT_DECRYPT',
        Origin: 'AWS_KMS',
        MultiRegion: false,
        Tags: [],
      }),
    )
  })

  const unsupported: CreateKeyCommandInput[] = [
    { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' },
    { CustomerMasterKeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' },
    { Origin: 'EXTERNAL' },
    { MultiRegion: true },
    { CustomKeyStoreId: 'cks-1234567890abcdef0' },
    { XksKeyId: 'x' },
  ]
  for (const input of unsupported) {
    test(`CreateKey refuses ${JSON.stringify(input)} and creates nothing`, async () => {
      const { client } = setup({ region: 'eu-north-1' })
      await refuses(client.send(new CreateKeyCommand(input)), 'UnsupportedOperationException')
      assert.deepEqual((await client.send(new ListKeysCommand({}))).Keys, [])
    })
  }

  test('CreateKey refuses values that KMS does not know', async () => {
    const { client } = setup()
    await refuses(client.send(new CreateKeyCommand({ KeySpec: 'FOO' as 'SM2' })), 'ValidationException')
    const both = { KeySpec: 'SYMMETRIC_DEFAULT', CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT' } as const
    await refuses(client.send(new CreateKeyCommand(both)), 'ValidationException')
    await refuses(client.send(new CreateKeyCommand({ Description: 'x'.repeat(8193) })), 'ValidationException')
  })

  test('ListKeys pages through the keys of one region', async () => {
    const { client, createKey } = setup({ region: 'eu-west-2' })
    const made = await Promise.all(Array.from({ length: 5 }, createKey))
    const first = await client.send(new ListKeysCommand({ Limit: 3 }))
    assert.equal(first.Truncated, true)
    const second = await client.send(new ListKeysCommand({ Limit: 3, Marker: first.NextMarker }))
    assert.deepEqual([second.Truncated, second.NextMarker], [false, undefined])
    const listed = [...(first.Keys ?? []), ...(second.Keys ?? [])].map(({ KeyArn }) => KeyArn)
    assert.deepEqual(listed.sort(), made.map(({ arn }) => arn).sort())
    await refuses(client.send(new ListKeysCommand({ Marker: 'nonsense' })), 'InvalidMarkerException')
    await refuses(client.send(new ListKeysCommand({ Limit: 1001 })), 'ValidationException')
  })

  test('CreateAlias and ListAliases name a key', async () => {
    const { client, createKey, alias } = setup({ region: 'eu-west-3' })
    const { id, arn } = await createKey()
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: arn }))
    await client.send(new CreateAliasCommand({ AliasName: `${alias}/2`, TargetKeyId: (await createKey()).id }))
    const { Aliases = [], Truncated } = await client.send(new ListAliasesCommand({ KeyId: id }))
    assert.equal(Truncated, false)
    assert.equal(Aliases.length, 1)
    assert.equal(Aliases[0]?.AliasName, alias)
    assert.equal(Aliases[0]?.AliasArn, `arn:aws:kms:eu-west-3:000000000000:${alias}`)
    assert.equal(Aliases[0]?.TargetKeyId, id)
    const { Aliases: all = [] } = await client.send(new ListAliasesCommand({}))
    assert.deepEqual(all.map(({ AliasName }) => AliasName).sort(), ['alias/aws/sns', alias, `${alias}/2`].sort())
    const described = await client.send(new DescribeKeyCommand({ KeyId: alias }))
    assert.equal(described.KeyMetadata?.Arn, arn)
  })

  test('CreateAlias refuses what can be no alias', async () => {
    const { client, createKey, alias } = setup()
    const { id: TargetKeyId } = await createKey()
    const create = (AliasName: string, target = TargetKeyId) =>
      client.send(new CreateAliasCommand({ AliasName, TargetKeyId: target }))
    await create(alias)
    await refuses(create(alias), 'AlreadyExistsException')
    await refuses(create('orders'), 'ValidationException')
    await refuses(create('alias/'), 'ValidationException')
    await refuses(create('alias/aws/sns'), 'NotAuthorizedException')
    await refuses(create('alias/x!'), 'ValidationException')
    await refuses(create('alias/my:alias'), 'ValidationException')
    await refuses(create(`${alias}2`, alias), 'ValidationException')
    await refuses(create(`${alias}2`, `arn:aws:kms:us-east-1:000000000000:${alias}`), 'ValidationException')
    await refuses(create(`${alias}2`, randomUUID()), 'NotFoundException')
  })

  test('DisableKey stops the use of a key, EnableKey allows it again, and both may be repeated', async () => {
    const { client, createKey, generate } = setup()
    const { id, arn } = await createKey()
    const { CiphertextBlob } = await generate({ KeyId: id })
    await client.send(new DisableKeyCommand({ KeyId: id }))
    await client.send(new DisableKeyCommand({ KeyId: arn }))
    await refuses(generate({ KeyId: id }), 'DisabledException', `${arn} is disabled.`)
    await refuses(client.send(new DecryptCommand({ CiphertextBlob })), 'DisabledException')
    assert.equal((await client.send(new DescribeKeyCommand({ KeyId: id }))).KeyMetadata?.Enabled, false)
    await client.send(new EnableKeyCommand({ KeyId: id }))
    await client.send(new EnableKeyCommand({ KeyId: id }))
    await client.send(new DecryptCommand({ CiphertextBlob }))
  })

  test('EnableKey and DisableKey take no alias', async () => {
    const { client, createKey, alias } = setup()
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: (await createKey()).id }))
    await refuses(client.send(new DisableKeyCommand({ KeyId: alias })), 'NotFoundException', `Invalid keyId '${alias}'`)
    await refuses(client.send(new EnableKeyCommand({ KeyId: alias })), 'NotFoundException')
  })

  test('names what does not exist as KMS does', async () => {
    const { client } = setup()
    const describe = (KeyId: string) => client.send(new DescribeKeyCommand({ KeyId }))
    const id = randomUUID()
    const arn = `arn:aws:kms:us-east-1:000000000000:key/${id}`
    await refuses(describe(id), 'NotFoundException', `Key '${arn}' does not exist`)
    await refuses(describe('xyz'), 'NotFoundException', "Invalid keyId 'xyz'")
    await refuses(describe(arn.replace('us-east-1', 'us-west-2')), 'NotFoundException', 'Invalid arn us-west-2')
    const aliasArn = 'arn:aws:kms:us-east-1:000000000000:alias/none'
    await refuses(describe('alias/none'), 'NotFoundException', `Alias ${aliasArn} is not found.`)
    await refuses(client.send(new DescribeKeyCommand({ KeyId: undefined })), 'ValidationException')
  })
})
