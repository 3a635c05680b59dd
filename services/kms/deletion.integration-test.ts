/** Deletion of keys, on a clock that the tests move. */

import assert from 'node:assert/strict'
import { copyFile, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EnableKeyCommand,
  GenerateDataKeyCommand,
  ListAliasesCommand,
  ListKeysCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { refuses } from '#shared/test-kms'
import { DAY_MS } from './key-lifecycle.ts'
import { startTimedKms } from './testing/start-timed-kms.ts'

suite('ScheduleKeyDeletion', () => {
  test('waits for thirty days unless told, and says until when', async (t) => {
    const { kms, client, id, arn, describe } = await setup(t)
    const { $metadata: _, ...answer } = await client.send(new ScheduleKeyDeletionCommand({ KeyId: id }))
    const DeletionDate = new Date(kms.clock.now() + 30 * DAY_MS)
    assert.deepEqual(answer, { KeyId: arn, DeletionDate, KeyState: 'PendingDeletion', PendingWindowInDays: 30 })
    const metadata = await describe()
    assert.deepEqual(
      [metadata?.KeyState, metadata?.Enabled, metadata?.DeletionDate],
      ['PendingDeletion', false, DeletionDate],
    )
  })

  test('takes 7 to 30 days, and a disabled key, but not one that is pending already', async (t) => {
    const { kms, client, id, arn } = await setup(t)
    const schedule = (PendingWindowInDays: number) =>
      client.send(new ScheduleKeyDeletionCommand({ KeyId: id, PendingWindowInDays }))
    await refuses(schedule(6), 'ValidationException')
    await refuses(schedule(31), 'ValidationException')
    await kms.keyStore.changeKey(arn, (key) => ({ ...key, state: 'Disabled' }))
    assert.deepEqual((await schedule(7)).DeletionDate, new Date(kms.clock.now() + 7 * DAY_MS))
    await refuses(schedule(8), 'KMSInvalidStateException', `${arn} is pending deletion.`)
  })

  test('ends the use of a key at once', async (t) => {
    const { client, id, arn, blob } = await setup(t)
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: id }))
    const text = `${arn} is pending deletion.`
    await refuses(client.send(new DecryptCommand({ CiphertextBlob: blob })), 'KMSInvalidStateException', text)
    await refuses(client.send(new EnableKeyCommand({ KeyId: id })), 'KMSInvalidStateException', text)
  })

  test('lets one of two who ask at once have it', async (t) => {
    const { client, id } = await setup(t)
    const asked = Array.from({ length: 2 }, () => client.send(new ScheduleKeyDeletionCommand({ KeyId: id })))
    const results = await Promise.allSettled(asked)
    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  })
})

suite('CancelKeyDeletion', () => {
  test('leaves the key disabled; enabled again it opens what it sealed', async (t) => {
    const { client, id, arn, blob, describe } = await setup(t)
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: id }))
    const { $metadata: _, ...answer } = await client.send(new CancelKeyDeletionCommand({ KeyId: id }))
    assert.deepEqual(answer, { KeyId: arn })
    const metadata = await describe()
    assert.deepEqual([metadata?.KeyState, metadata?.DeletionDate], ['Disabled', undefined])
    await client.send(new EnableKeyCommand({ KeyId: id }))
    await client.send(new DecryptCommand({ CiphertextBlob: blob }))
  })

  test('refuses a key that is not pending deletion', async (t) => {
    const { client, id, arn } = await setup(t)
    const cancel = () => client.send(new CancelKeyDeletionCommand({ KeyId: id }))
    await refuses(cancel(), 'KMSInvalidStateException', `${arn} is not pending deletion.`)
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: id }))
    await cancel()
    await refuses(cancel(), 'KMSInvalidStateException', `${arn} is not pending deletion.`)
  })
})

suite('the end of the waiting period', () => {
  test('takes the key, its material and its aliases, and nothing of other keys', async (t) => {
    const { kms, client, id, arn, blob } = await setup(t)
    const { KeyMetadata: other } = await client.send(new CreateKeyCommand({}))
    await client.send(new CreateAliasCommand({ AliasName: 'alias/other', TargetKeyId: other?.KeyId }))
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: id, PendingWindowInDays: 7 }))
    kms.clock.advance(7 * DAY_MS - 1)
    assert.deepEqual(await kms.keyStore.settleDue(), { deleted: [], rotated: [] })
    kms.clock.advance(1)
    assert.deepEqual(await kms.keyStore.settleDue(), { deleted: [arn], rotated: [] })
    await refuses(
      client.send(new DescribeKeyCommand({ KeyId: id })),
      'NotFoundException',
      `Key '${arn}' does not exist`,
    )
    await refuses(client.send(new DescribeKeyCommand({ KeyId: 'alias/app' })), 'NotFoundException')
    await refuses(client.send(new DecryptCommand({ CiphertextBlob: blob })), 'AccessDeniedException')
    await refuses(client.send(new CancelKeyDeletionCommand({ KeyId: id })), 'NotFoundException')
    const { Keys } = await client.send(new ListKeysCommand({}))
    assert.deepEqual(
      Keys?.map(({ KeyArn }) => KeyArn),
      [other?.Arn],
    )
    const { Aliases } = await client.send(new ListAliasesCommand({ KeyId: other?.KeyId }))
    assert.deepEqual(
      Aliases?.map(({ AliasName }) => AliasName),
      ['alias/other'],
    )
    for (const name of ['keystore.json', 'keystore.json.bak']) {
      assert.ok(!(await readFile(join(kms.dir, name), 'utf8')).includes(id), name)
    }
  })

  test('takes the key from the backup too, when a crash or a full disk came between', async (t) => {
    const { kms, client, id } = await setup(t)
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: id, PendingWindowInDays: 7 }))
    const backup = join(kms.dir, 'keystore.json.bak')
    await copyFile(join(kms.dir, 'keystore.json'), join(kms.dir, 'before'))
    await kms.restart({ afterMs: 8 * DAY_MS })
    await rename(join(kms.dir, 'before'), backup)
    await kms.restart({ afterMs: 0 })
    assert.ok(!(await readFile(backup, 'utf8')).includes(id))
  })

  test('is kept by a KMS that was down at that time', async (t) => {
    const { kms, client, id } = await setup(t)
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: id, PendingWindowInDays: 7 }))
    await kms.restart({ afterMs: 6 * DAY_MS })
    await client.send(new DescribeKeyCommand({ KeyId: id }))
    await kms.restart({ afterMs: 100 * DAY_MS })
    await refuses(client.send(new DescribeKeyCommand({ KeyId: id })), 'NotFoundException')
  })
})

async function setup(t: TestContext) {
  const kms = await startTimedKms(t)
  const client = kms.as('111122223333')
  const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
  const { KeyId: id = '', Arn: arn = '' } = KeyMetadata ?? {}
  await client.send(new CreateAliasCommand({ AliasName: 'alias/app', TargetKeyId: id }))
  const { CiphertextBlob: blob } = await client.send(new GenerateDataKeyCommand({ KeyId: id, KeySpec: 'AES_256' }))
  const describe = async () => (await client.send(new DescribeKeyCommand({ KeyId: id }))).KeyMetadata
  return { kms, client, id, arn, blob, describe }
}
