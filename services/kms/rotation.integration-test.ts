/** Rotation of keys, on a clock that the tests move. */

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import {
  CancelKeyDeletionCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  DisableKeyRotationCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  GenerateDataKeyCommand,
  GetKeyRotationStatusCommand,
  type KMSClient,
  ListKeyRotationsCommand,
  type ListKeyRotationsCommandInput,
  ReEncryptCommand,
  RotateKeyOnDemandCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { refuses } from '#shared/test-kms'
import { DAY_MS } from './key-lifecycle.ts'
import { startTimedKms } from './testing/start-timed-kms.ts'

const MINUTE_MS = 60_000

suite('RotateKeyOnDemand', () => {
  test('gives the key new material, in use at once, and keeps its id and ARN', async (t) => {
    const { client, id, arn, seal, materialId } = await setup(t)
    const before = await materialId()
    const { $metadata: _, ...answer } = await client.send(new RotateKeyOnDemandCommand({ KeyId: id }))
    assert.deepEqual(answer, { KeyId: arn })
    assert.notEqual(await materialId(), before)
    assert.equal((await seal()).materialId, await materialId())
  })

  test('leaves the ciphertexts of every generation open, also after a restart', async (t) => {
    const { kms, client, id, seal, opens } = await setup(t)
    const sealed = [await seal()]
    for (let rotation = 0; rotation < 4; rotation++) {
      await client.send(new RotateKeyOnDemandCommand({ KeyId: id }))
      sealed.push(await seal())
    }
    assert.equal(new Set(sealed.map(({ materialId }) => materialId)).size, 5)
    for (const one of sealed) await opens(one)
    await kms.restart({ afterMs: 0 })
    for (const one of sealed) await opens(one)
  })

  test('is followed by ReEncrypt: from the old material to the new', async (t) => {
    const { client, id, seal, materialId } = await setup(t)
    const { blob: CiphertextBlob, materialId: old } = await seal()
    await client.send(new RotateKeyOnDemandCommand({ KeyId: id }))
    const answer = await client.send(new ReEncryptCommand({ CiphertextBlob, DestinationKeyId: id }))
    assert.deepEqual([answer.SourceKeyMaterialId, answer.DestinationKeyMaterialId], [old, await materialId()])
  })

  test('does so 25 times for a key, at once or one after another, and automatic ones do not count', async (t) => {
    const { kms, client, id, arn } = await setup(t)
    await client.send(new EnableKeyRotationCommand({ KeyId: id, RotationPeriodInDays: 90 }))
    const rotate = () => client.send(new RotateKeyOnDemandCommand({ KeyId: id }))
    const results = await Promise.allSettled(Array.from({ length: 24 }, rotate))
    assert.ok(results.every(({ status }) => status === 'fulfilled'))
    kms.clock.advance(90 * DAY_MS)
    await kms.keyStore.settleDue()
    await rotate()
    await refuses(
      rotate(),
      'LimitExceededException',
      'The on-demand rotations limit has been reached for the given keyId. ' +
        `No more on-demand rotations can be performed for this key: ${arn}`,
    )
  })

  test('refuses a disabled key, and shortly before an automatic rotation', async (t) => {
    const { kms, client, id, arn } = await setup(t)
    const rotate = () => client.send(new RotateKeyOnDemandCommand({ KeyId: id }))
    await client.send(new EnableKeyRotationCommand({ KeyId: id, RotationPeriodInDays: 90 }))
    kms.clock.advance(90 * DAY_MS - 20 * MINUTE_MS - 1)
    await rotate()
    kms.clock.advance(1)
    await refuses(rotate(), 'ConflictException')
    await client.send(new DisableKeyCommand({ KeyId: id }))
    await refuses(rotate(), 'DisabledException', `${arn} is disabled.`)
  })
})

suite('EnableKeyRotation', () => {
  test('rotates a year from now unless told, and says when', async (t) => {
    const { kms, client, id, arn, status } = await setup(t)
    assert.deepEqual(await status(), { KeyId: arn, KeyRotationEnabled: false })
    await client.send(new EnableKeyRotationCommand({ KeyId: id }))
    assert.deepEqual(await status(), {
      KeyId: arn,
      KeyRotationEnabled: true,
      RotationPeriodInDays: 365,
      NextRotationDate: new Date(kms.clock.now() + 365 * DAY_MS),
    })
  })

  test('changes the period, which counts from then on; the same period again moves nothing', async (t) => {
    const { kms, client, id, status } = await setup(t)
    const enable = (RotationPeriodInDays?: number) =>
      client.send(new EnableKeyRotationCommand({ KeyId: id, RotationPeriodInDays }))
    await enable()
    kms.clock.advance(10 * DAY_MS)
    await enable(90)
    const changedAt = kms.clock.now()
    kms.clock.advance(10 * DAY_MS)
    await enable(90)
    assert.deepEqual((await status()).NextRotationDate, new Date(changedAt + 90 * DAY_MS))
    for (const days of [89, 2561]) await refuses(enable(days), 'ValidationException')
    await enable(2560)
  })

  test('rotates every period from then on, and a rotation on demand moves none of them', async (t) => {
    const { kms, client, id, seal, opens, status, rotations } = await setup(t)
    await client.send(new EnableKeyRotationCommand({ KeyId: id, RotationPeriodInDays: 100 }))
    const sealed = [await seal()]
    kms.clock.advance(50 * DAY_MS)
    await client.send(new RotateKeyOnDemandCommand({ KeyId: id }))
    const onDemandAt = kms.clock.now()
    kms.clock.advance(50 * DAY_MS - 1)
    assert.deepEqual(await kms.keyStore.settleDue(), { deleted: [], rotated: [] })
    kms.clock.advance(1)
    const firstAt = kms.clock.now()
    assert.equal((await kms.keyStore.settleDue()).rotated.length, 1)
    assert.equal((await kms.keyStore.settleDue()).rotated.length, 0)
    sealed.push(await seal())
    assert.deepEqual((await status()).NextRotationDate, new Date(firstAt + 100 * DAY_MS))
    kms.clock.advance(100 * DAY_MS)
    await kms.keyStore.settleDue()
    sealed.push(await seal())
    for (const one of sealed) await opens(one)
    const { Rotations = [] } = await rotations()
    assert.deepEqual(
      Rotations.map(({ RotationDate, RotationType }) => [RotationDate?.getTime(), RotationType]),
      [
        [onDemandAt, 'ON_DEMAND'],
        [firstAt, 'AUTOMATIC'],
        [firstAt + 100 * DAY_MS, 'AUTOMATIC'],
      ],
    )
  })

  test('rotates once, at the start, what was due while the KMS was down', async (t) => {
    const { kms, client, id, seal, opens, status, rotations } = await setup(t)
    await client.send(new EnableKeyRotationCommand({ KeyId: id, RotationPeriodInDays: 90 }))
    const sealed = await seal()
    await kms.restart({ afterMs: 300 * DAY_MS })
    assert.equal((await rotations()).Rotations?.length, 1)
    assert.notEqual((await seal()).materialId, sealed.materialId)
    assert.deepEqual((await status()).NextRotationDate, new Date(kms.clock.now() + 90 * DAY_MS))
    await opens(sealed)
  })
})

suite('DisableKeyRotation', () => {
  test('ends automatic rotation, and may be repeated', async (t) => {
    const { kms, client, id, arn, status, rotations } = await setup(t)
    await client.send(new EnableKeyRotationCommand({ KeyId: id, RotationPeriodInDays: 90 }))
    for (let i = 0; i < 2; i++) await client.send(new DisableKeyRotationCommand({ KeyId: id }))
    assert.deepEqual(await status(), { KeyId: arn, KeyRotationEnabled: false })
    await kms.restart({ afterMs: 100 * DAY_MS })
    assert.deepEqual((await rotations()).Rotations, [])
  })

  test('refuses a disabled key and one that does not exist', async (t) => {
    const { client, id, arn } = await setup(t)
    const disable = (KeyId: string) => client.send(new DisableKeyRotationCommand({ KeyId }))
    await client.send(new DisableKeyCommand({ KeyId: id }))
    await refuses(disable(id), 'DisabledException', `${arn} is disabled.`)
    await refuses(disable('alias/x'), 'NotFoundException', "Invalid keyId 'alias/x'")
  })
})

suite('GetKeyRotationStatus', () => {
  test('reads off while the key is pending deletion, and on again when that is cancelled', async (t) => {
    const { client, id, arn, status } = await setup(t)
    await client.send(new EnableKeyRotationCommand({ KeyId: id }))
    const enabled = await status()
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: id }))
    assert.deepEqual(await status(), { KeyId: arn, KeyRotationEnabled: false })
    await client.send(new CancelKeyDeletionCommand({ KeyId: id }))
    assert.deepEqual(await status(), enabled)
  })

  test('stays as it was while the key is disabled; what became due is done when it is enabled again', async (t) => {
    const { kms, client, id, status, rotations } = await setup(t)
    await client.send(new EnableKeyRotationCommand({ KeyId: id, RotationPeriodInDays: 90 }))
    const enabled = await status()
    await client.send(new DisableKeyCommand({ KeyId: id }))
    kms.clock.advance(91 * DAY_MS)
    await kms.keyStore.settleDue()
    assert.deepEqual([await status(), (await rotations()).Rotations], [enabled, []])
    await client.send(new EnableKeyCommand({ KeyId: id }))
    await kms.keyStore.settleDue()
    assert.equal((await rotations()).Rotations?.length, 1)
  })
})

suite('ListKeyRotations', () => {
  test('leaves out the first material unless all is asked for', async (t) => {
    const { client, id, materialId, rotations } = await setup(t)
    const first = await materialId()
    assert.deepEqual((await rotations()).Rotations, [])
    await client.send(new RotateKeyOnDemandCommand({ KeyId: id }))
    const current = await materialId()
    const [rotation] = (await rotations()).Rotations ?? []
    assert.deepEqual(
      { ...rotation, RotationDate: undefined },
      {
        KeyId: id,
        KeyMaterialId: current,
        KeyMaterialState: 'CURRENT',
        RotationDate: undefined,
        RotationType: 'ON_DEMAND',
      },
    )
    assert.deepEqual((await rotations({ IncludeKeyMaterial: 'ALL_KEY_MATERIAL' })).Rotations, [
      { KeyId: id, KeyMaterialId: first, KeyMaterialState: 'NON_CURRENT' },
      rotation,
    ])
  })

  test('pages through them', async (t) => {
    const { client, id, rotations } = await setup(t)
    for (let i = 0; i < 5; i++) await client.send(new RotateKeyOnDemandCommand({ KeyId: id }))
    const first = await rotations({ Limit: 3 })
    assert.equal(first.Truncated, true)
    const second = await rotations({ Limit: 3, Marker: first.NextMarker })
    assert.deepEqual([second.Truncated, second.NextMarker], [false, undefined])
    const { Rotations } = await rotations()
    assert.deepEqual([...(first.Rotations ?? []), ...(second.Rotations ?? [])], Rotations)
    await refuses(rotations({ Marker: 'nonsense' }), 'InvalidMarkerException')
    await refuses(rotations({ Limit: 1001 }), 'ValidationException')
    await refuses(rotations({ IncludeKeyMaterial: 'SOME' as 'ROTATIONS_ONLY' }), 'ValidationException')
  })
})

suite('a key store of version 1', () => {
  test('opens, takes rotation, and still opens what it sealed, also after a restart', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'sealcast-keystore-v1-'))
    t.after(() => rm(dir, { recursive: true }))
    const vector = JSON.parse(await readFile(new URL('vectors/keystore-v1.json', import.meta.url), 'utf8'))
    await writeFile(join(dir, 'root.key'), vector.rootKey, { mode: 0o600 })
    await writeFile(join(dir, 'keystore.json'), vector.keystore, { mode: 0o600 })
    const kms = await startTimedKms(t, { dir })
    const client = kms.as('111122223333')
    const { blob, plaintext, encryptionContext: EncryptionContext } = vector.ciphertext
    const opens = async () => {
      const CiphertextBlob = Buffer.from(blob, 'base64')
      const { Plaintext, KeyId } = await client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))
      assert.equal(Buffer.from(Plaintext ?? []).toString('utf8'), plaintext)
      return KeyId
    }
    const KeyId = await opens()
    await client.send(new RotateKeyOnDemandCommand({ KeyId }))
    await kms.restart({ afterMs: 0 })
    await opens()
    assert.equal(JSON.parse(await readFile(join(dir, 'keystore.json'), 'utf8')).version, 3)
  })
})

interface Sealed {
  readonly blob: Uint8Array | undefined
  readonly plaintext: Uint8Array | undefined
  readonly materialId: string | undefined
}

async function setup(t: TestContext) {
  const kms = await startTimedKms(t)
  const client: KMSClient = kms.as('111122223333')
  const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
  const { KeyId: id = '', Arn: arn = '' } = KeyMetadata ?? {}
  return {
    kms,
    client,
    id,
    arn,
    async seal(): Promise<Sealed> {
      const sealed = await client.send(new GenerateDataKeyCommand({ KeyId: id, KeySpec: 'AES_256' }))
      return { blob: sealed.CiphertextBlob, plaintext: sealed.Plaintext, materialId: sealed.KeyMaterialId }
    },
    async opens({ blob, plaintext, materialId }: Sealed) {
      const opened = await client.send(new DecryptCommand({ CiphertextBlob: blob }))
      assert.deepEqual([opened.Plaintext, opened.KeyMaterialId], [plaintext, materialId])
    },
    materialId: async () =>
      (await client.send(new DescribeKeyCommand({ KeyId: id }))).KeyMetadata?.CurrentKeyMaterialId,
    async status() {
      const { $metadata: _, ...status } = await client.send(new GetKeyRotationStatusCommand({ KeyId: id }))
      return status
    },
    rotations: (input: Omit<ListKeyRotationsCommandInput, 'KeyId'> = {}) =>
      client.send(new ListKeyRotationsCommand({ KeyId: id, ...input })),
  }
}
