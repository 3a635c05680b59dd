/** Encrypt, ReEncrypt, GenerateDataKeyWithoutPlaintext and GenerateRandom of the real KMS process, through the AWS SDK. */

import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  DisableKeyCommand,
  EncryptCommand,
  type EncryptCommandInput,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateRandomCommand,
  KMSClient,
  ReEncryptCommand,
  type ReEncryptCommandInput,
} from '@aws-sdk/client-kms'
import { failure, refuses, startTestKms, type TestCredential, type TestKms } from '#shared/test-kms'

const ORDERS = { 'aws:sns:topicArn': 'arn:aws:sns:us-east-1:000000000000:orders' }
const PAYMENTS = { 'aws:sns:topicArn': 'arn:aws:sns:us-east-1:000000000000:payments' }
const IN_USE = 'The key ID in the request does not identify a CMK that can perform this operation.'

let kms: TestKms
let other: TestCredential
const clients: KMSClient[] = []

before(async () => {
  kms = await startTestKms()
  other = await kms.addUser('arn:aws:iam::444455556666:user/other')
})
after(async () => {
  for (const client of clients) client.destroy()
  await kms[Symbol.asyncDispose]()
})

suite('Encrypt', () => {
  test('takes 1 to 4,096 bytes under id, ARN, alias and alias ARN, and Decrypt gives them back', async () => {
    const { client, createKey, encrypt, decrypt } = setup()
    const { id, arn } = await createKey()
    const alias = `alias/test-${randomUUID()}`
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: id }))
    const names = [id, arn, alias, `arn:aws:kms:us-east-1:000000000000:${alias}`]
    for (const [index, KeyId] of names.entries()) {
      const Plaintext = randomBytes([1, 32, 4095, 4096][index] ?? 0)
      const encrypted = await encrypt({ KeyId, Plaintext, EncryptionContext: ORDERS })
      const { CiphertextBlob, $metadata: _, ...rest } = encrypted
      assert.deepEqual(rest, { KeyId: arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' })
      assert.equal(CiphertextBlob?.byteLength, Plaintext.byteLength + 96)
      assert.deepEqual(Buffer.from((await decrypt(encrypted, ORDERS)).Plaintext ?? []), Plaintext)
      await refuses(decrypt(encrypted, PAYMENTS), 'InvalidCiphertextException', 'UnknownError')
      await refuses(decrypt(encrypted), 'InvalidCiphertextException', 'UnknownError')
    }
  })

  test('gives another ciphertext each time', async () => {
    const { createKey, encrypt } = setup()
    const { id: KeyId } = await createKey()
    const blobs = [await encrypt({ KeyId }), await encrypt({ KeyId })].map((o) => String(o.CiphertextBlob))
    assert.notEqual(blobs[0], blobs[1])
  })

  test('refuses no plaintext, an empty one and one byte too many, without quoting it', async () => {
    const { createKey, encrypt } = setup()
    const { id: KeyId } = await createKey()
    const rule = (subject: string, text: string) =>
      `1 validation error detected: ${subject} failed to satisfy constraint: Member must ${text}`
    const least = rule("Value at 'plaintext'", 'have length greater than or equal to 1')
    const most = rule("Value at 'plaintext'", 'have length less than or equal to 4096')
    const missing = rule("Value null at 'plaintext'", 'not be null')
    await refuses(encrypt({ KeyId, Plaintext: Buffer.alloc(0) }), 'ValidationException', least)
    await refuses(encrypt({ KeyId, Plaintext: Buffer.alloc(4097, 'secret') }), 'ValidationException', most)
    await refuses(encrypt({ KeyId, Plaintext: undefined }), 'ValidationException', missing)
  })

  test('refuses a disabled key, an unknown one, another account, grant tokens and other algorithms', async () => {
    const { client, createKey, encrypt } = setup()
    const { id: KeyId, arn } = await createKey()
    await refuses(encrypt({ KeyId, DryRun: true }), 'DryRunOperationException')
    await refuses(encrypt({ KeyId, GrantTokens: ['t'] }), 'InvalidGrantTokenException')
    const asymmetric = encrypt({ KeyId, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' })
    await refuses(asymmetric, 'UnsupportedOperationException')
    await refuses(encrypt({ KeyId: randomUUID() }), 'NotFoundException')
    await refuses(setup({ as: other }).encrypt({ KeyId: arn }), 'AccessDeniedException')
    await client.send(new DisableKeyCommand({ KeyId }))
    await refuses(encrypt({ KeyId }), 'DisabledException', `${arn} is disabled.`)
  })
})

suite('ReEncrypt', () => {
  test('carries a ciphertext to another key and encryption context and shows no plaintext', async () => {
    const { createKey, encrypt, reEncrypt, decrypt } = setup()
    const source = await createKey()
    const destination = await createKey()
    const Plaintext = randomBytes(4096)
    const { CiphertextBlob } = await encrypt({ KeyId: source.id, Plaintext, EncryptionContext: ORDERS })
    const moved = await reEncrypt({
      CiphertextBlob,
      SourceEncryptionContext: ORDERS,
      DestinationKeyId: destination.arn,
      DestinationEncryptionContext: PAYMENTS,
    })
    const { CiphertextBlob: _, $metadata: __, ...rest } = moved
    assert.deepEqual(rest, {
      SourceKeyId: source.arn,
      KeyId: destination.arn,
      SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      SourceKeyMaterialId: source.materialId,
      DestinationKeyMaterialId: destination.materialId,
    })
    const opened = await decrypt(moved, PAYMENTS)
    assert.deepEqual([opened.KeyId, Buffer.from(opened.Plaintext ?? [])], [destination.arn, Plaintext])
    await refuses(decrypt(moved, ORDERS), 'InvalidCiphertextException')
  })

  test('changes the encryption context alone when the key is the same', async () => {
    const { createKey, generate, reEncrypt, decrypt } = setup()
    const { id } = await createKey()
    const { CiphertextBlob, Plaintext } = await generate(id, ORDERS)
    const moved = await reEncrypt({ CiphertextBlob, SourceEncryptionContext: ORDERS, DestinationKeyId: id })
    assert.deepEqual((await decrypt(moved)).Plaintext, Plaintext)
  })

  test('refuses a wrong source context, an altered ciphertext and another SourceKeyId', async () => {
    const { createKey, generate, reEncrypt } = setup()
    const { id, arn } = await createKey()
    const { id: DestinationKeyId } = await createKey()
    const { CiphertextBlob } = await generate(id, ORDERS)
    const move = (input: Partial<ReEncryptCommandInput>) =>
      reEncrypt({ CiphertextBlob, SourceEncryptionContext: ORDERS, DestinationKeyId, ...input })
    await move({ SourceKeyId: arn })
    const altered = Buffer.from(CiphertextBlob ?? [])
    altered.writeUInt8(altered.readUInt8(100) ^ 1, 100)
    await refuses(move({ CiphertextBlob: altered }), 'InvalidCiphertextException', 'UnknownError')
    await refuses(move({ SourceEncryptionContext: PAYMENTS }), 'InvalidCiphertextException', 'UnknownError')
    await refuses(move({ SourceEncryptionContext: undefined }), 'InvalidCiphertextException', 'UnknownError')
    await refuses(move({ CiphertextBlob: Buffer.from('x') }), 'InvalidCiphertextException', 'UnknownError')
    await refuses(move({ SourceKeyId: DestinationKeyId }), 'IncorrectKeyException', IN_USE)
    await refuses(move({ SourceKeyId: randomUUID() }), 'NotFoundException')
    await refuses(move({ DestinationKeyId: randomUUID() }), 'NotFoundException')
    await refuses(move({ DestinationKeyId: undefined }), 'ValidationException')
    await refuses(move({ CiphertextBlob: undefined }), 'ValidationException')
    await refuses(move({ GrantTokens: ['t'] }), 'InvalidGrantTokenException')
    await refuses(move({ DryRunModifiers: ['IGNORE_CIPHERTEXT'], DryRun: true }), 'UnsupportedOperationException')
    await refuses(move({ DestinationEncryptionAlgorithm: 'SM2PKE' }), 'UnsupportedOperationException')
  })

  test('a dry run says that it would have worked, or why not', async () => {
    const { createKey, generate, reEncrypt } = setup()
    const { id: DestinationKeyId } = await createKey()
    const { CiphertextBlob } = await generate(DestinationKeyId, ORDERS)
    const input = { CiphertextBlob, DestinationKeyId, DryRun: true }
    await refuses(reEncrypt({ ...input, SourceEncryptionContext: ORDERS }), 'DryRunOperationException')
    await refuses(reEncrypt(input), 'InvalidCiphertextException')
  })

  test('needs both keys enabled and names the one that is not', async () => {
    const { client, createKey, generate, reEncrypt } = setup()
    const keys = [await createKey(), await createKey(), await createKey()] as const
    const [enabled, disabled, alsoDisabled] = keys
    const blobs = await Promise.all(keys.map(({ id }) => generate(id)))
    for (const { id } of [disabled, alsoDisabled]) await client.send(new DisableKeyCommand({ KeyId: id }))
    const move = (from: number, { id }: { id: string }) =>
      reEncrypt({ CiphertextBlob: blobs[from]?.CiphertextBlob, DestinationKeyId: id })
    await refuses(move(0, disabled), 'DisabledException', `${disabled.arn} is disabled.`)
    await refuses(move(1, enabled), 'DisabledException', `${disabled.arn} is disabled.`)
    await refuses(move(1, alsoDisabled), 'DisabledException', `${disabled.arn} is disabled.`)
  })

  test('needs permission on both keys, by the names of their two actions', async () => {
    const mine = setup()
    const theirs = setup({ as: other })
    const own = await mine.createKey()
    const foreign = await theirs.createKey()
    const { CiphertextBlob } = await mine.generate(own.id)
    const { CiphertextBlob: foreignBlob } = await theirs.generate(foreign.id)
    const to = await failure(mine.reEncrypt({ CiphertextBlob, DestinationKeyId: foreign.arn }))
    assert.equal(to.name, 'AccessDeniedException')
    assert.match(to.message, /not authorized to perform: kms:ReEncryptTo on resource/)
    await refuses(mine.reEncrypt({ CiphertextBlob: foreignBlob, DestinationKeyId: own.id }), 'AccessDeniedException')
    const from = await failure(mine.reEncrypt({ CiphertextBlob, SourceKeyId: foreign.arn, DestinationKeyId: own.id }))
    assert.match(from.message, /not authorized to perform: kms:ReEncryptFrom on resource/)
  })

  test('serves the broker in its own name for keys of its account, and for a publisher of another', async () => {
    const broker = setup({ as: { ...kms.broker, arn: '' } })
    const mine = setup()
    const theirs = setup({ as: other })
    const own = await mine.createKey()
    const foreign = await theirs.createKey()
    const { CiphertextBlob } = await mine.generate(own.id, ORDERS)
    const { CiphertextBlob: foreignBlob } = await theirs.generate(foreign.id, ORDERS)
    const SourceEncryptionContext = ORDERS
    const moved = await broker.reEncrypt({ CiphertextBlob, SourceEncryptionContext, DestinationKeyId: own.arn })
    await mine.decrypt(moved)
    const denied = broker.reEncrypt({
      CiphertextBlob: foreignBlob,
      SourceEncryptionContext,
      DestinationKeyId: foreign.arn,
    })
    await refuses(denied, 'AccessDeniedException')
    const forThem = setup({ as: { ...kms.broker, arn: '' }, onBehalfOf: other.arn })
    await theirs.decrypt(
      await forThem.reEncrypt({ CiphertextBlob: foreignBlob, SourceEncryptionContext, DestinationKeyId: foreign.arn }),
    )
  })

  test('logs both keys and both contexts, and neither ciphertext', async () => {
    const { createKey, generate, reEncrypt } = setup()
    const [source, destination] = [await createKey(), await createKey()]
    const { CiphertextBlob } = await generate(source.id, ORDERS)
    const moved = await reEncrypt({
      CiphertextBlob,
      SourceEncryptionContext: ORDERS,
      SourceKeyId: source.id,
      DestinationKeyId: destination.id,
      DestinationEncryptionContext: PAYMENTS,
    })
    const line = await logged(moved.$metadata)
    assert.equal(line.sourceKeyArn, source.arn)
    assert.equal(line.keyArn, destination.arn)
    assert.equal(line.sourceEncryptionContext, JSON.stringify(ORDERS))
    assert.equal(line.encryptionContext, JSON.stringify(PAYMENTS))
    for (const bytes of [CiphertextBlob, moved.CiphertextBlob]) {
      assert.ok(!JSON.stringify(kms.log).includes(Buffer.from(bytes ?? []).toString('base64')))
    }
  })
})

suite('GenerateDataKeyWithoutPlaintext', () => {
  test('gives a ciphertext that opens under its context to as many bytes as were asked for', async () => {
    const { client, createKey, decrypt } = setup()
    const { id: KeyId, arn, materialId } = await createKey()
    const EncryptionContext = ORDERS
    for (const [size, bytes] of [
      [{ KeySpec: 'AES_256' }, 32],
      [{ KeySpec: 'AES_128' }, 16],
      [{ NumberOfBytes: 1024 }, 1024],
    ] as const) {
      const command = new GenerateDataKeyWithoutPlaintextCommand({ KeyId, EncryptionContext, ...size })
      const { $metadata: _, CiphertextBlob, ...rest } = await client.send(command)
      assert.deepEqual(rest, { KeyId: arn, KeyMaterialId: materialId })
      assert.equal((await decrypt({ CiphertextBlob }, ORDERS)).Plaintext?.byteLength, bytes)
      await refuses(decrypt({ CiphertextBlob }), 'InvalidCiphertextException')
    }
    const dry = new GenerateDataKeyWithoutPlaintextCommand({ KeyId, KeySpec: 'AES_256', DryRun: true })
    await refuses(client.send(dry), 'DryRunOperationException')
  })
})

suite('GenerateRandom', () => {
  test('gives as many bytes as were asked for, others each time', async () => {
    const { client } = setup()
    const bytesOf = async (NumberOfBytes: number) => {
      const { Plaintext, $metadata: _, ...rest } = await client.send(new GenerateRandomCommand({ NumberOfBytes }))
      assert.deepEqual(rest, {})
      return Buffer.from(Plaintext ?? [])
    }
    assert.equal((await bytesOf(1)).byteLength, 1)
    const [first, second] = [await bytesOf(1024), await bytesOf(1024)]
    assert.deepEqual([first.byteLength, second.byteLength], [1024, 1024])
    assert.notDeepEqual(first, second)
  })
})

function logged({ requestId }: { requestId?: string | undefined }) {
  return kms.untilLogged((log) => log.find((line) => line.requestId === requestId))
}

function setup({ as = kms.user, onBehalfOf }: { as?: TestCredential; onBehalfOf?: string } = {}) {
  const client = new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials: as })
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      if (onBehalfOf !== undefined) headers['x-sealcast-on-behalf-of'] = onBehalfOf
      return next(args)
    },
    { step: 'build' },
  )
  clients.push(client)
  return {
    client,
    async createKey() {
      const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
      const { KeyId, Arn, CurrentKeyMaterialId } = KeyMetadata ?? {}
      return { id: String(KeyId), arn: String(Arn), materialId: CurrentKeyMaterialId }
    },
    encrypt: (input: Omit<EncryptCommandInput, 'Plaintext'> & { Plaintext?: Uint8Array | undefined }) =>
      client.send(new EncryptCommand({ Plaintext: Buffer.from('text'), ...input })),
    generate: (KeyId: string, EncryptionContext?: Record<string, string>) =>
      client.send(new GenerateDataKeyCommand({ KeyId, KeySpec: 'AES_256', EncryptionContext })),
    reEncrypt: (input: ReEncryptCommandInput) => client.send(new ReEncryptCommand(input)),
    decrypt: (
      { CiphertextBlob }: { CiphertextBlob?: Uint8Array | undefined },
      EncryptionContext?: Record<string, string>,
    ) => client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext })),
  }
}
