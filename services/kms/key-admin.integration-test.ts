/** Aliases, tags, descriptions and policies of the real KMS process, through the AWS SDK. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  GetKeyPolicyCommand,
  KMSClient,
  ListAliasesCommand,
  ListKeyPoliciesCommand,
  ListResourceTagsCommand,
  ScheduleKeyDeletionCommand,
  type Tag,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
} from '@aws-sdk/client-kms'
import { refuses, startTestKms, type TestKms } from '#shared/test-kms'

let kms: TestKms
const clients: KMSClient[] = []

before(async () => {
  kms = await startTestKms()
})
after(async () => {
  for (const client of clients) client.destroy()
  await kms[Symbol.asyncDispose]()
})

suite('aliases', () => {
  test('UpdateAlias makes an alias name another key, and keeps when it was created', async () => {
    const { client, createKey, alias, find } = setup()
    const [first, second] = [await createKey(), await createKey()]
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: first.id }))
    const before = await find(alias)
    await client.send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: second.arn }))
    const after = await find(alias)
    assert.equal(after?.TargetKeyId, second.id)
    assert.deepEqual(after?.CreationDate, before?.CreationDate)
    assert.ok(Number(after?.LastUpdatedDate) >= Number(before?.LastUpdatedDate))
    const encrypted = await client.send(new EncryptCommand({ KeyId: alias, Plaintext: Buffer.from('x') }))
    assert.equal(encrypted.KeyId, second.arn)
  })

  test('UpdateAlias leaves a key that is pending deletion, and goes to none', async () => {
    const { client, createKey, alias } = setup()
    const [old, other] = [await createKey(), await createKey()]
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: old.id }))
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: old.id }))
    await client.send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: other.id }))
    const back = client.send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: old.id }))
    await refuses(back, 'KMSInvalidStateException', `${old.arn} is pending deletion.`)
  })

  test('DeleteAlias frees the name, whatever the state of its key', async () => {
    const { client, createKey, alias, find } = setup()
    const { id: TargetKeyId } = await createKey()
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId }))
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: TargetKeyId }))
    await client.send(new DeleteAliasCommand({ AliasName: alias }))
    assert.equal(await find(alias), undefined)
    const text = `Alias arn:aws:kms:us-east-1:000000000000:${alias} is not found.`
    await refuses(client.send(new DeleteAliasCommand({ AliasName: alias })), 'NotFoundException', text)
    await refuses(client.send(new DescribeKeyCommand({ KeyId: alias })), 'NotFoundException', text)
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: (await createKey()).id }))
  })

  test('ListAliases pages, also through those of one key', async () => {
    const { client, createKey } = setup({ region: 'ap-northeast-1' })
    const [one, other] = [await createKey(), await createKey()]
    const names = Array.from({ length: 5 }, (_, index) => `alias/page-${index}`)
    for (const AliasName of names) await client.send(new CreateAliasCommand({ AliasName, TargetKeyId: one.id }))
    await client.send(new CreateAliasCommand({ AliasName: 'alias/other', TargetKeyId: other.id }))
    const page = async (input: { KeyId?: string; Marker?: string }) => {
      const answer = await client.send(new ListAliasesCommand({ Limit: 2, ...input }))
      return { ...answer, names: answer.Aliases?.map(({ AliasName }) => AliasName) ?? [] }
    }
    const first = await page({ KeyId: one.arn })
    const second = await page({ KeyId: one.arn, Marker: String(first.NextMarker) })
    const third = await page({ KeyId: one.arn, Marker: String(second.NextMarker) })
    assert.deepEqual([first.Truncated, second.Truncated, third.Truncated], [true, true, false])
    assert.deepEqual([...first.names, ...second.names, ...third.names], names)
    const { Aliases: all = [] } = await client.send(new ListAliasesCommand({}))
    assert.equal(all.filter(({ TargetKeyId }) => TargetKeyId !== undefined).length, 6)
  })
})

suite('the limit on aliases', () => {
  test('is 50 for one key, for UpdateAlias too; another key has its own', async () => {
    const { client, createKey, alias } = setup({ maxAttempts: 1 })
    const [full, other] = [await createKey(), await createKey()]
    const create = (name: string, TargetKeyId: string) =>
      client.send(new CreateAliasCommand({ AliasName: `${alias}/${name}`, TargetKeyId }))
    await Promise.all(Array.from({ length: 50 }, (_, index) => create(String(index), full.id)))
    await refuses(create('one-more', full.id), 'LimitExceededException')
    await create('one-more', other.id)
    const update = new UpdateAliasCommand({ AliasName: `${alias}/one-more`, TargetKeyId: full.id })
    await refuses(client.send(update), 'LimitExceededException')
    await client.send(new DeleteAliasCommand({ AliasName: `${alias}/7` }))
    await client.send(update)
  })
})

suite('tags', () => {
  test('CreateKey, TagResource and UntagResource change what ListResourceTags shows', async () => {
    const { client, createKey, tagsOf } = setup()
    const { id: KeyId } = await createKey({ Tags: [tag('team', 'orders'), tag('ключ', '')] })
    assert.deepEqual(await tagsOf(KeyId), [tag('team', 'orders'), tag('ключ', '')])
    await client.send(new TagResourceCommand({ KeyId, Tags: [tag('team', 'payments'), tag('cost', '7')] }))
    assert.deepEqual(await tagsOf(KeyId), [tag('cost', '7'), tag('team', 'payments'), tag('ключ', '')])
    await client.send(new UntagResourceCommand({ KeyId, TagKeys: ['team', 'unknown'] }))
    await client.send(new UntagResourceCommand({ KeyId, TagKeys: [] }))
    assert.deepEqual(await tagsOf(KeyId), [tag('cost', '7'), tag('ключ', '')])
  })

  test('ListResourceTags pages', async () => {
    const { client, createKey } = setup()
    const Tags = Array.from({ length: 50 }, (_, index) => tag(`k${String(index).padStart(2, '0')}`, 'v'))
    const { id: KeyId } = await createKey({ Tags })
    const first = await client.send(new ListResourceTagsCommand({ KeyId, Limit: 49 }))
    const rest = await client.send(new ListResourceTagsCommand({ KeyId, Limit: 49, Marker: first.NextMarker }))
    assert.deepEqual([first.Truncated, rest.Truncated, rest.NextMarker], [true, false, undefined])
    assert.deepEqual([...(first.Tags ?? []), ...(rest.Tags ?? [])], Tags)
    assert.equal((await client.send(new ListResourceTagsCommand({ KeyId }))).Tags?.length, 50)
  })

  test('TagResource overwrites at the limit of 50 and goes no further', async () => {
    const { client, createKey, tagsOf } = setup()
    const { id: KeyId } = await createKey({ Tags: Array.from({ length: 50 }, (_, i) => tag(`k${i}`, 'v')) })
    await client.send(new TagResourceCommand({ KeyId, Tags: [tag('k7', 'new')] }))
    const more = client.send(new TagResourceCommand({ KeyId, Tags: [tag('one more', '')] }))
    await refuses(more, 'TagException', 'Too many tags')
    assert.equal((await tagsOf(KeyId)).length, 50)
    await client.send(new UntagResourceCommand({ KeyId, TagKeys: ['k7'] }))
    await client.send(new TagResourceCommand({ KeyId, Tags: [tag('one more', '')] }))
  })
})

suite('descriptions', () => {
  test('UpdateKeyDescription replaces the text, up to 8,192 characters or none, of a disabled key too', async () => {
    const { client, createKey } = setup()
    const { id: KeyId } = await createKey({ Description: 'old' })
    for (const Description of ['new ключ', 'x'.repeat(8192), '']) {
      await client.send(new UpdateKeyDescriptionCommand({ KeyId, Description }))
      const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }))
      assert.equal(KeyMetadata?.Description, Description)
      await client.send(new DisableKeyCommand({ KeyId }))
    }
  })
})

suite('policies', () => {
  test('GetKeyPolicy and ListKeyPolicies tell of the default policy of the account, the only one', async () => {
    const { client, createKey } = setup()
    const { id: KeyId } = await createKey()
    const { Policy, PolicyName } = await client.send(new GetKeyPolicyCommand({ KeyId, PolicyName: 'default' }))
    assert.equal(PolicyName, 'default')
    assert.deepEqual(JSON.parse(String(Policy)), {
      Version: '2012-10-17',
      Id: 'key-default-1',
      Statement: [
        {
          Sid: 'Enable IAM User Permissions',
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::000000000000:root' },
          Action: 'kms:*',
          Resource: '*',
        },
      ],
    })
    assert.deepEqual(await client.send(new GetKeyPolicyCommand({ KeyId })).then((o) => o.Policy), Policy)
    const { $metadata: _, ...listed } = await client.send(new ListKeyPoliciesCommand({ KeyId }))
    assert.deepEqual(listed, { PolicyNames: ['default'], Truncated: false })
  })
})

suite('a crash', () => {
  test('loses nothing of what was acknowledged', async () => {
    await using own = await startTestKms()
    const { client, createKey, alias, tagsOf } = setup({ of: own })
    const { id: KeyId, arn } = await createKey({ Tags: [tag('a', '1')] })
    const { id: other } = await createKey()
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: other }))
    await client.send(new CreateAliasCommand({ AliasName: `${alias}-gone`, TargetKeyId: other }))
    await client.send(new TagResourceCommand({ KeyId, Tags: [tag('b', '2')] }))
    await client.send(new UpdateKeyDescriptionCommand({ KeyId, Description: 'described' }))
    await client.send(new DeleteAliasCommand({ AliasName: `${alias}-gone` }))
    await client.send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: KeyId }))
    await own.kill()
    await own.start()
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: alias }))
    assert.deepEqual([KeyMetadata?.Arn, KeyMetadata?.Description], [arn, 'described'])
    assert.deepEqual(await tagsOf(KeyId), [tag('a', '1'), tag('b', '2')])
    await refuses(client.send(new DescribeKeyCommand({ KeyId: `${alias}-gone` })), 'NotFoundException')
  })
})

function tag(TagKey: string, TagValue: string): Tag {
  return { TagKey, TagValue }
}

function setup({
  region = 'us-east-1',
  of = kms,
  maxAttempts = 3,
}: {
  region?: string
  of?: TestKms
  maxAttempts?: number
} = {}) {
  const client = new KMSClient({ endpoint: of.endpoint, region, credentials: of.user, maxAttempts })
  clients.push(client)
  return {
    client,
    alias: `alias/test-${randomUUID()}`,
    async createKey(input: CreateKeyCommandInput = {}) {
      const { KeyMetadata } = await client.send(new CreateKeyCommand(input))
      return { id: String(KeyMetadata?.KeyId), arn: String(KeyMetadata?.Arn) }
    },
    async find(name: string) {
      const { Aliases } = await client.send(new ListAliasesCommand({ Limit: 100 }))
      return Aliases?.find(({ AliasName }) => AliasName === name)
    },
    tagsOf: async (KeyId: string) => (await client.send(new ListResourceTagsCommand({ KeyId }))).Tags ?? [],
  }
}
