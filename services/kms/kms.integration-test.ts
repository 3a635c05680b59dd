/** The real KMS process, driven by the real AWS SDK. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  GenerateDataKeyCommand,
  type GenerateDataKeyCommandInput,
  GetPublicKeyCommand,
  ListKeysCommand,
} from '@aws-sdk/client-kms'
import { failure, refuses, type TestKms } from '#shared/test-kms'
import { type KmsStage, startKmsStage } from './testing/kms-stage.ts'

const TOPIC = { 'aws:sns:topicArn': 'arn:aws:sns:us-east-1:000000000000:orders' }

let stage: KmsStage
let kms: TestKms
const setup = (o?: Parameters<KmsStage['setUp']>[0]) => stage.setUp(o)

before(async () => {
  stage = await startKmsStage()
  kms = stage.kms
})
after(() => stage[Symbol.asyncDispose]())

suite('data keys', () => {
  test('GenerateDataKey takes id, ARN, alias and alias ARN, and Decrypt needs no KeyId', async () => {
    const { client, createKey, generate, alias } = setup()
    const { id, arn } = await createKey()
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: id }))
    for (const KeyId of [id, arn, alias, `arn:aws:kms:us-east-1:000000000000:${alias}`]) {
      const generated = await generate({ KeyId, EncryptionContext: TOPIC })
      assert.equal(generated.KeyId, arn)
      assert.equal(generated.Plaintext?.byteLength, 32)
      const opened = await client.send(
        new DecryptCommand({ CiphertextBlob: generated.CiphertextBlob, EncryptionContext: TOPIC }),
      )
      assert.equal(opened.KeyId, arn)
      assert.equal(opened.EncryptionAlgorithm, 'SYMMETRIC_DEFAULT')
      assert.equal(opened.KeyMaterialId, generated.KeyMaterialId)
      assert.deepEqual(opened.Plaintext, generated.Plaintext)
    }
  })

  test('GenerateDataKey gives as many bytes as are asked for', async () => {
    const { createKey, generate } = setup()
    const { id: KeyId } = await createKey()
    const lengthOf = async (input: GenerateDataKeyCommandInput) => (await generate(input)).Plaintext?.byteLength
    assert.equal(await lengthOf({ KeyId, KeySpec: 'AES_128' }), 16)
    assert.equal(await lengthOf({ KeyId, KeySpec: undefined, NumberOfBytes: 1024 }), 1024)
  })

  test('GenerateDataKey refuses two sizes, none, and sizes out of range', async () => {
    const { createKey, generate } = setup()
    const { id: KeyId } = await createKey()
    for (const size of [
      { KeySpec: undefined },
      { NumberOfBytes: 32 },
      { KeySpec: undefined, NumberOfBytes: 0 },
      { KeySpec: undefined, NumberOfBytes: 1025 },
      { KeySpec: 'AES_512' as 'AES_256' },
    ]) {
      await refuses(generate({ KeyId, ...size }), 'ValidationException')
    }
  })

  test('refuses parameters that have an effect which is not implemented', async () => {
    const { client, createKey, generate } = setup()
    const { id: KeyId } = await createKey()
    const { CiphertextBlob } = await generate({ KeyId })
    const Recipient = {
      KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
      AttestationDocument: new Uint8Array([1]),
    } as const
    const unsupported = 'UnsupportedOperationException'
    await refuses(generate({ KeyId, GrantTokens: ['t'] }), 'InvalidGrantTokenException')
    await refuses(generate({ KeyId, Recipient }), unsupported)
    await refuses(client.send(new DecryptCommand({ CiphertextBlob, GrantTokens: ['t'] })), 'InvalidGrantTokenException')
    await refuses(client.send(new DecryptCommand({ CiphertextBlob, Recipient })), unsupported)
    const EncryptionAlgorithm = 'RSAES_OAEP_SHA_256'
    await refuses(client.send(new DecryptCommand({ CiphertextBlob, EncryptionAlgorithm })), unsupported)
    await refuses(
      client.send(new DecryptCommand({ CiphertextBlob, DryRun: true, DryRunModifiers: ['IGNORE_CIPHERTEXT'] })),
      unsupported,
    )
    await refuses(client.send(new DescribeKeyCommand({ KeyId, GrantTokens: ['t'] })), 'InvalidGrantTokenException')
  })

  test('a dry run says that it would have worked, or why not', async () => {
    const { client, createKey, generate } = setup()
    const { id: KeyId } = await createKey()
    const { CiphertextBlob } = await generate({ KeyId })
    await refuses(generate({ KeyId, DryRun: true }), 'DryRunOperationException')
    await refuses(client.send(new DecryptCommand({ CiphertextBlob, DryRun: true })), 'DryRunOperationException')
    await refuses(
      client.send(new DecryptCommand({ CiphertextBlob, DryRun: true, EncryptionContext: TOPIC })),
      'InvalidCiphertextException',
    )
    await client.send(new DisableKeyCommand({ KeyId }))
    await refuses(generate({ KeyId, DryRun: true }), 'DisabledException')
  })

  test('Decrypt opens only under the same encryption context, in any order', async () => {
    const { client, createKey, generate } = setup()
    const { id: KeyId } = await createKey()
    const EncryptionContext = { ключ: 'значение', '\u{1F600}': 'b', '\uFF5E': 'c', ab: 'c' }
    const { CiphertextBlob } = await generate({ KeyId, EncryptionContext })
    const decrypt = (context: Record<string, string> | undefined) =>
      client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: context }))
    await decrypt(Object.fromEntries(Object.entries(EncryptionContext).reverse()))
    const { ab: _, ...missing } = EncryptionContext
    for (const context of [
      undefined,
      {},
      missing,
      { ...EncryptionContext, more: '' },
      { ...missing, AB: 'c' },
      { ...EncryptionContext, ab: 'C' },
      { ...missing, a: 'bc' },
    ]) {
      await refuses(decrypt(context), 'InvalidCiphertextException', 'UnknownError')
    }
  })

  test('Decrypt takes an empty encryption context for none', async () => {
    const { client, createKey, generate } = setup()
    const { CiphertextBlob } = await generate({ KeyId: (await createKey()).id, EncryptionContext: {} })
    await client.send(new DecryptCommand({ CiphertextBlob }))
  })

  test('Decrypt refuses a ciphertext with any byte changed, cut, extended or made up', async () => {
    const { client, createKey, generate } = setup()
    const blob = Buffer.from((await generate({ KeyId: (await createKey()).id })).CiphertextBlob ?? [])
    const nameOf = async (CiphertextBlob: Uint8Array) => {
      const error = await failure(client.send(new DecryptCommand({ CiphertextBlob })))
      return `${error.$metadata?.httpStatusCode} ${error.name}`
    }
    for (let at = 0; at < blob.byteLength; at++) {
      const changed = Buffer.from(blob)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      const isKeyId = at >= 4 && at < 20
      const expected = isKeyId ? 'AccessDeniedException' : 'InvalidCiphertextException'
      assert.equal(await nameOf(changed), `400 ${expected}`, `byte ${at}`)
    }
    const madeUp = [blob.subarray(0, -1), Buffer.concat([blob, Buffer.alloc(1)]), Buffer.from('x'), Buffer.alloc(6144)]
    for (const bytes of madeUp) assert.equal(await nameOf(bytes), '400 InvalidCiphertextException')
    assert.equal(await nameOf(Buffer.alloc(6145)), '400 ValidationException')
    assert.equal(await nameOf(Buffer.alloc(0)), '400 ValidationException')
  })

  test('Decrypt refuses another KeyId than the one that encrypted', async () => {
    const { client, createKey, generate, alias } = setup()
    const { id, arn } = await createKey()
    const { id: otherId } = await createKey()
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: otherId }))
    const { CiphertextBlob } = await generate({ KeyId: id })
    const decrypt = (KeyId: string) => client.send(new DecryptCommand({ CiphertextBlob, KeyId }))
    await decrypt(arn)
    await refuses(decrypt(otherId), 'IncorrectKeyException')
    await refuses(decrypt(alias), 'IncorrectKeyException')
    await refuses(decrypt(randomUUID()), 'NotFoundException')
  })
})

suite('accounts and regions', () => {
  test('another account can neither use a key nor learn that it exists', async () => {
    const { createKey, generate } = setup()
    const { arn } = await createKey()
    const { CiphertextBlob } = await generate({ KeyId: arn })
    const { client } = setup({ as: stage.other })
    const texts: string[] = []
    for (const KeyId of [arn, arn.replace(/[^/]*$/, randomUUID())]) {
      for (const command of [
        new DescribeKeyCommand({ KeyId }),
        new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256' }),
        new DisableKeyCommand({ KeyId }),
      ]) {
        const error = await failure(client.send(command as DescribeKeyCommand))
        assert.equal(error.name, 'AccessDeniedException')
        texts.push(error.message.replace(KeyId, 'ARN'))
      }
    }
    assert.deepEqual(texts.slice(0, 3), texts.slice(3))
    await refuses(client.send(new DecryptCommand({ CiphertextBlob })), 'AccessDeniedException')
    await refuses(client.send(new DecryptCommand({ CiphertextBlob, KeyId: arn })), 'AccessDeniedException')
    await refuses(
      client.send(new CreateAliasCommand({ AliasName: 'alias/theirs', TargetKeyId: arn })),
      'AccessDeniedException',
    )
    assert.deepEqual((await client.send(new ListKeysCommand({}))).Keys, [])
  })

  test('a key does not exist in another region', async () => {
    const { createKey, generate } = setup()
    const { id } = await createKey()
    const { CiphertextBlob } = await generate({ KeyId: id })
    const { client } = setup({ region: 'ap-south-1' })
    await refuses(client.send(new DescribeKeyCommand({ KeyId: id })), 'NotFoundException')
    await refuses(client.send(new DecryptCommand({ CiphertextBlob })), 'AccessDeniedException')
  })
})

suite('protocol', () => {
  test('refuses operations that are not implemented, by name', async () => {
    const { client, createKey } = setup()
    const { id: KeyId } = await createKey()
    await refuses(client.send(new GetPublicKeyCommand({ KeyId })), 'UnsupportedOperationException')
  })

  test('refuses a wrong secret, an unknown access key and a session token', async () => {
    const wrong = setup({ as: { ...kms.user, secretAccessKey: 'x'.repeat(40) } }).client
    await refuses(wrong.send(new ListKeysCommand({})), 'InvalidSignatureException')
    const nobody = setup({ as: { ...kms.user, accessKeyId: 'AKIANOBODY0000000000' } }).client
    await refuses(nobody.send(new ListKeysCommand({})), 'UnrecognizedClientException')
    const session = setup({ as: { ...kms.user, sessionToken: 'token' } }).client
    await refuses(session.send(new ListKeysCommand({})), 'UnrecognizedClientException')
  })

  test('gives the broker nothing for itself, but for ReEncrypt', async () => {
    const { client } = setup({ as: { ...kms.broker, arn: '' } })
    await refuses(client.send(new ListKeysCommand({})), 'AccessDeniedException')
    await refuses(client.send(new CreateKeyCommand({})), 'AccessDeniedException')
    await refuses(client.send(new DescribeKeyCommand({ KeyId: 'alias/x' })), 'AccessDeniedException')
  })

  test('keeps plaintext and ciphertext out of the log and the encryption context in it', async () => {
    const { client, createKey, generate } = setup()
    const { id: KeyId, arn } = await createKey()
    const { Plaintext, CiphertextBlob, $metadata } = await generate({ KeyId, EncryptionContext: TOPIC })
    const opened = await client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: TOPIC }))
    const line = await logged($metadata)
    await logged(opened.$metadata)
    assert.equal(line.operation, 'GenerateDataKey')
    assert.equal(line.outcome, 'ok')
    assert.equal(line.keyArn, arn)
    assert.equal(line.caller, kms.user.arn)
    assert.equal(line.encryptionContext, JSON.stringify(TOPIC))
    assert.equal(typeof line.durationMs, 'number')
    const log = JSON.stringify(kms.log)
    const secrets = [Plaintext, CiphertextBlob].flatMap((bytes) => [
      Buffer.from(bytes ?? []).toString('base64'),
      Buffer.from(bytes ?? []).toString('hex'),
    ])
    for (const secret of [...secrets, kms.user.secretAccessKey, kms.broker.secretAccessKey]) {
      assert.ok(secret.length > 0 && !log.includes(secret))
    }
  })

  test('counts what it served by operation and outcome', async () => {
    const { createKey, generate } = setup()
    const { id: KeyId } = await createKey()
    const before = await kms.served()
    await generate({ KeyId })
    await generate({ KeyId })
    await failure(generate({ KeyId: 'xyz' }))
    const served = await kms.served()
    const grown = (name: string) => (served[name] ?? 0) - (before[name] ?? 0)
    assert.equal(grown('GenerateDataKey ok'), 2)
    assert.equal(grown('GenerateDataKey NotFoundException'), 1)
  })

  test('serves many at once over kept connections', async () => {
    const { createKey, generate } = setup()
    const { id: KeyId } = await createKey()
    const plaintexts = await Promise.all(Array.from({ length: 200 }, () => generate({ KeyId })))
    assert.equal(new Set(plaintexts.map(({ Plaintext }) => String(Plaintext))).size, 200)
  })
})

function logged({ requestId }: { requestId?: string | undefined }) {
  return kms.untilLogged((log) => log.find((line) => line.requestId === requestId))
}
