/** The key that SNS has in an account: `alias/aws/sns`. */

import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  type KMSClient,
  ListAliasesCommand,
  ListKeysCommand,
} from '@aws-sdk/client-kms'
import { failure, refuses } from '#shared/test-kms'
import { DAY_MS } from './key-lifecycle.ts'
import { ALIAS_OPERATIONS, KEY_OPERATIONS } from './testing/key-operations.ts'
import { startTimedKms } from './testing/start-timed-kms.ts'

const ACCOUNT = '111122223333'
const ALIAS = 'alias/aws/sns'
const ALIAS_ARN = `arn:aws:kms:us-east-1:${ACCOUNT}:${ALIAS}`

suite('alias/aws/sns', () => {
  test('is listed without a key and without dates until its first use', async (t) => {
    const { kms, user, broker, aliases } = await setup(t)
    await user.send(new CreateAliasCommand({ AliasName: 'alias/a', TargetKeyId: await newKey(user) }))
    await user.send(new CreateAliasCommand({ AliasName: 'alias/b', TargetKeyId: await newKey(user) }))
    const listed = await aliases()
    assert.deepEqual(
      listed.map(({ AliasName }) => AliasName),
      ['alias/a', ALIAS, 'alias/b'],
    )
    assert.deepEqual(listed[1], { AliasName: ALIAS, AliasArn: ALIAS_ARN })
    const { KeyId } = await generate(broker)
    const now = new Date(kms.clock.now())
    assert.deepEqual((await aliases())[1], {
      AliasName: ALIAS,
      AliasArn: ALIAS_ARN,
      TargetKeyId: KeyId?.replace(/.*\//, ''),
      CreationDate: now,
      LastUpdatedDate: now,
    })
  })

  test('gets its key when SNS first asks for a data key, and one only, however many ask at once', async (t) => {
    const { kms, user, broker } = await setup(t)
    const answers = await Promise.all(Array.from({ length: 20 }, () => generate(broker)))
    const keyArn = answers[0]?.KeyId
    assert.deepEqual(new Set(answers.map(({ KeyId }) => KeyId)), new Set([keyArn]))
    await kms.restart({ afterMs: DAY_MS })
    assert.equal((await generate(broker, ALIAS_ARN)).KeyId, keyArn)
    assert.deepEqual(
      (await user.send(new ListKeysCommand({}))).Keys?.map(({ KeyArn }) => KeyArn),
      [keyArn],
    )
  })

  for (const asker of ['broker', 'user'] as const) {
    test(`gets its key when it is described by a ${asker}`, async (t) => {
      const parties = await setup(t)
      const metadata = await describe(parties[asker])
      assert.equal(metadata?.KeyManager, 'AWS')
      assert.equal(metadata?.KeyState, 'Enabled')
      assert.equal((await describe(parties.user, metadata?.Arn))?.Arn, metadata?.Arn)
    })
  }

  test('is not available, which says nothing about other keys, while its key cannot be stored', async (t) => {
    const { kms, broker } = await setup(t)
    // Whoever has lost the lock can write nothing, as if the disk were full.
    const lock = join(kms.dir, 'keystore.lock')
    await rename(lock, `${lock}.kept`)
    const { name, $metadata } = await failure(generate(broker))
    assert.deepEqual([name, $metadata?.httpStatusCode], ['KeyUnavailableException', 500])
    await rename(`${lock}.kept`, lock)
    await generate(broker)
  })

  test('gets no key when a user asks for a data key', async (t) => {
    const { user, aliases } = await setup(t)
    await refuses(generate(user), 'NotFoundException', `Alias ${ALIAS_ARN} is not found.`)
    assert.equal((await aliases())[0]?.TargetKeyId, undefined)
  })

  test('has a key for each account and region', async (t) => {
    const { kms, broker } = await setup(t)
    const arns = [
      (await generate(broker)).KeyId,
      (await generate(kms.asBrokerFor(`arn:aws:iam::${ACCOUNT}:user/a`, { region: 'eu-west-1' }))).KeyId,
      (await generate(kms.asBrokerFor('arn:aws:iam::444455556666:user/b'))).KeyId,
    ]
    assert.deepEqual(
      arns.map((arn) => arn?.replace(/:key.*/, '')),
      [`arn:aws:kms:us-east-1:${ACCOUNT}`, `arn:aws:kms:eu-west-1:${ACCOUNT}`, 'arn:aws:kms:us-east-1:444455556666'],
    )
  })

  test('is not made, nor used, for a principal of another account', async (t) => {
    const { kms, aliases, broker } = await setup(t)
    const foreign = kms.asBrokerFor('arn:aws:iam::444455556666:user/b')
    await refuses(generate(foreign, ALIAS_ARN), 'AccessDeniedException')
    assert.equal((await aliases())[0]?.TargetKeyId, undefined)
    const { KeyId } = await generate(broker)
    await refuses(generate(foreign, ALIAS_ARN), 'AccessDeniedException')
    await refuses(generate(foreign, KeyId), 'AccessDeniedException')
  })
})

suite('an AWS managed key', () => {
  for (const { name, onManagedKey, send } of KEY_OPERATIONS) {
    for (const asker of ['user', 'broker'] as const) {
      const isAllowed = asker === 'user' ? onManagedKey === 'account' : onManagedKey === 'sns' || name === 'DescribeKey'
      test(`${name} by a ${asker}: ${isAllowed ? 'works' : 'denied'}`, async (t) => {
        const parties = await setup(t)
        const client = parties[asker]
        const { KeyId: key = '', CiphertextBlob } = await generate(parties.broker)
        const otherKey = await newKey(parties.user)
        const { CiphertextBlob: otherCiphertext } = await parties.user.send(
          new EncryptCommand({ KeyId: otherKey, Plaintext: new Uint8Array([1]) }),
        )
        const before = await describe(parties.user, key)
        const sent = send({ client, key, ciphertext: CiphertextBlob, otherKey, otherCiphertext })
        if (isAllowed) await sent
        else await refuses(sent, 'AccessDeniedException')
        assert.deepEqual(await describe(parties.user, key), before)
      })
    }
  }

  for (const { name, send } of ALIAS_OPERATIONS) {
    test(`${name} of its alias is refused`, async (t) => {
      const { user, broker } = await setup(t)
      const { KeyId } = await generate(broker)
      await refuses(send({ client: user, alias: ALIAS, otherKey: await newKey(user) }), 'NotAuthorizedException')
      assert.equal((await generate(broker)).KeyId, KeyId)
    })
  }

  test('shows the policy by which it is decided', async (t) => {
    const { user, broker } = await setup(t)
    const { KeyId } = await generate(broker)
    const { Policy = '' } = await user.send(new GetKeyPolicyCommand({ KeyId }))
    const [viaService, direct] = JSON.parse(Policy).Statement
    const conditions = { 'kms:ViaService': 'sns.us-east-1.amazonaws.com', 'kms:CallerAccount': ACCOUNT }
    assert.deepEqual(viaService.Condition, { StringEquals: conditions })
    assert.deepEqual(direct.Principal, { AWS: `arn:aws:iam::${ACCOUNT}:root` })
  })

  test('rotates every year, and opens what it sealed before', async (t) => {
    const { kms, user, broker } = await setup(t)
    const { KeyId, CiphertextBlob, Plaintext, KeyMaterialId } = await generate(broker)
    const { $metadata: _, ...status } = await user.send(new GetKeyRotationStatusCommand({ KeyId }))
    assert.deepEqual(status, {
      KeyId,
      KeyRotationEnabled: true,
      RotationPeriodInDays: 365,
      NextRotationDate: new Date(kms.clock.now() + 365 * DAY_MS),
    })
    await kms.restart({ afterMs: 365 * DAY_MS })
    assert.notEqual((await generate(broker)).KeyMaterialId, KeyMaterialId)
    assert.deepEqual((await broker.send(new DecryptCommand({ CiphertextBlob }))).Plaintext, Plaintext)
  })
})

function generate(client: KMSClient, KeyId = ALIAS) {
  return client.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }))
}

async function describe(client: KMSClient, KeyId = ALIAS) {
  return (await client.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata
}

async function newKey(client: KMSClient): Promise<string> {
  return (await client.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
}

async function setup(t: TestContext) {
  const kms = await startTimedKms(t)
  const user = kms.as(ACCOUNT)
  const broker = kms.asBrokerFor(`arn:aws:iam::${ACCOUNT}:user/publisher`)
  return { kms, user, broker, aliases: async () => (await user.send(new ListAliasesCommand({}))).Aliases ?? [] }
}
