import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { openBlob, readBlobHeader } from './ciphertext-blob.ts'
import { KeystoreDamagedError, KeystoreVersionError, RootKeyWrongError } from './errors.ts'
import { createMaterial } from './key-material.ts'
import { decodeKeystore, encodeKeystore, type Keystore, type KmsKey } from './keystore-file.ts'
import { deriveStoreKeys } from './root-key.ts'

interface Vector {
  rootKey: string
  keystore: string
  ciphertext: { blob: string; plaintext: string; encryptionContext: Record<string, string> }
}

/** Frozen: what earlier versions of the format wrote. */
const V1 = vectorOf('keystore-v1.json')
const V2 = vectorOf('keystore-v2.json')

suite('decodeKeystore()', () => {
  test('returns what was encoded, with the same key material', () => {
    const { keystore, text, rootKey } = setup()
    const decoded = decodeKeystore(text, rootKey).keystore
    assert.deepEqual(withoutSecrets(decoded), withoutSecrets(keystore))
    assert.ok(materialOf(decoded).secret.equals(materialOf(keystore).secret))
  })

  test('says that the root key is wrong rather than that the file is damaged', () => {
    const { text } = setup()
    assert.throws(() => decodeKeystore(text, createSecretKey(randomBytes(32))), RootKeyWrongError)
  })

  test('refuses the file with any one byte changed, cut or added', () => {
    const { text, rootKey } = setup()
    const bytes = Buffer.from(text)
    fc.assert(
      fc.property(fc.nat({ max: bytes.byteLength - 2 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = Buffer.from(bytes)
        changed.writeUInt8(changed.readUInt8(at) ^ mask, at)
        // Another store id or check value looks like another root key; both are refusals.
        refuses(changed.toString('latin1'), rootKey)
        refuses(bytes.toString('utf8', 0, at), rootKey)
        refuses(`${text}${String.fromCharCode(mask)}x`, rootKey)
      }),
      { numRuns: 300 },
    )
  })

  test('refuses contents exchanged with those of another store of the same root key', () => {
    const { text, rootKey } = setup()
    const other = setup({ rootKey }).text
    refuses(JSON.stringify({ ...JSON.parse(text), contents: JSON.parse(other).contents }), rootKey)
  })

  test('refuses material moved to another key, even where the MAC is right', () => {
    const { keystore, rootKey, storeKeys } = setup()
    const key = keyOf(keystore)
    const moved = { ...key, id: '00000000-0000-4000-8000-000000000000' }
    const text = encodeKeystore({ ...keystore, keys: [moved] }, storeKeys)
    assert.throws(() => decodeKeystore(text, rootKey), KeystoreDamagedError)
  })

  test('refuses a key without current material and a version it does not know', () => {
    const { keystore, text, rootKey, storeKeys } = setup()
    const key = keyOf(keystore)
    const retired: KmsKey = { ...key, materials: key.materials.map((m) => ({ ...m, state: 'NON_CURRENT' })) }
    refuses(encodeKeystore({ ...keystore, keys: [retired] }, storeKeys), rootKey)
    refuses(JSON.stringify({ ...JSON.parse(text), version: 1 }), rootKey)
    refuses(JSON.stringify({ ...JSON.parse(text), version: 0 }), rootKey)
    assert.throws(
      () => decodeKeystore(JSON.stringify({ ...JSON.parse(text), version: 4 }), rootKey),
      KeystoreVersionError,
    )
  })

  test('refuses a key that is pending deletion without a date, or has one otherwise', () => {
    const { keystore, rootKey, storeKeys } = setup()
    const { deletionAt, ...undated } = keyOf(keystore)
    refuses(encodeKeystore({ ...keystore, keys: [undated] }, storeKeys), rootKey)
    refuses(encodeKeystore({ ...keystore, keys: [{ ...undated, state: 'Enabled', deletionAt }] }, storeKeys), rootKey)
  })

  test('reads a file of version 1, whose ciphertexts open', () => {
    const { keystore, key } = openVector(V1)
    assert.deepEqual(
      keystore.keys.map(({ description, tags, manager, state, deletionAt, rotation }) => [
        description,
        tags,
        manager,
        state,
        deletionAt,
        rotation,
      ]),
      [
        ['orders', [], 'CUSTOMER', 'Enabled', undefined, undefined],
        ['', [], 'CUSTOMER', 'Disabled', undefined, undefined],
      ],
    )
    assert.deepEqual(
      keystore.aliases.map(({ name, targetKeyId }) => [name, targetKeyId]),
      [['alias/orders', key.id]],
    )
  })

  test('reads a file of version 2, whose ciphertexts open and whose keys have no policy of their own', () => {
    const { keystore } = openVector(V2)
    assert.deepEqual(
      keystore.keys.map(({ tags, manager, state, deletionAt, rotation, policy }) => [
        ...[tags.length, manager, state, deletionAt !== undefined, rotation?.periodDays, policy],
      ]),
      [
        [1, 'CUSTOMER', 'Enabled', false, 90, undefined],
        [0, 'AWS', 'Enabled', false, 365, undefined],
        [0, 'CUSTOMER', 'PendingDeletion', true, undefined, undefined],
      ],
    )
  })

  test('keeps several versions of material, as rotation makes them', () => {
    const { keystore, rootKey, storeKeys } = setup()
    const key = keyOf(keystore)
    const { storeId } = keystore
    const newer = createMaterial({ storeId, keyArn: key.arn, createdAt: 7, rotationType: 'ON_DEMAND', storeKeys })
    const rotated: KmsKey = {
      ...key,
      materials: [...key.materials.map((m) => ({ ...m, state: 'NON_CURRENT' as const })), newer],
    }
    const text = encodeKeystore({ ...keystore, keys: [rotated] }, storeKeys)
    assert.deepEqual(
      keyOf(decodeKeystore(text, rootKey).keystore).materials.map(({ secret: _, ...material }) => material),
      rotated.materials.map(({ secret: _, ...material }) => material),
    )
  })
})

suite('encodeKeystore()', () => {
  test('writes no key material in clear', () => {
    const { keystore, text } = setup()
    const secret = materialOf(keystore).secret.export()
    for (const form of ['hex', 'base64', 'latin1'] as const) assert.ok(!text.includes(secret.toString(form)), form)
  })
})

function refuses(text: string, rootKey: Parameters<typeof decodeKeystore>[1]): void {
  assert.throws(
    () => decodeKeystore(text, rootKey),
    (error) =>
      error instanceof KeystoreDamagedError ||
      error instanceof RootKeyWrongError ||
      // A changed digit of the version.
      error instanceof KeystoreVersionError,
  )
}

function vectorOf(name: string): Vector {
  return JSON.parse(readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8'))
}

/** Reads a keystore and opens the ciphertext that came with it. @returns the key that did it, too */
function openVector({ rootKey, keystore: text, ciphertext }: Vector): { keystore: Keystore; key: KmsKey } {
  const { keystore } = decodeKeystore(text, createSecretKey(rootKey, 'base64'))
  const blob = Buffer.from(ciphertext.blob, 'base64')
  const { keyId, materialId } = readBlobHeader(blob)
  const key = keystore.keys.find(({ id }) => id === keyId)
  const material = key?.materials.find(({ id }) => id === materialId)
  assert.ok(key && material)
  const encryptionContext = new Map(Object.entries(ciphertext.encryptionContext))
  const context = { keyId, keyArn: key.arn, materialId, material: material.secret, encryptionContext }
  assert.equal(openBlob(blob, context).toString('utf8'), ciphertext.plaintext)
  return { keystore, key }
}

function keyOf({ keys: [key] }: Keystore): KmsKey {
  assert.ok(key)
  return key
}

function materialOf(keystore: Keystore) {
  const [material] = keyOf(keystore).materials
  assert.ok(material)
  return material
}

function withoutSecrets(keystore: Keystore): unknown {
  const keys = keystore.keys.map((key) => ({ ...key, materials: key.materials.map(({ secret: _, ...m }) => m) }))
  return { ...keystore, keys }
}

function setup({ rootKey = createSecretKey(randomBytes(32)) } = {}) {
  const storeId = randomBytes(16).toString('hex')
  const storeKeys = deriveStoreKeys(rootKey, storeId)
  const place = { account: '111122223333', region: 'us-east-1' }
  const id = '1234abcd-12ab-34cd-56ef-1234567890ab'
  const arn = `arn:aws:kms:us-east-1:111122223333:key/${id}`
  const materials = [createMaterial({ storeId, keyArn: arn, createdAt: 5, storeKeys })]
  const key: KmsKey = {
    id,
    ...place,
    arn,
    description: 'naïve "quotes"',
    tags: [{ key: 'team', value: 'ü' }],
    createdAt: 5,
    manager: 'CUSTOMER',
    state: 'PendingDeletion',
    deletionAt: 9,
    policy: '{"Version":"2012-10-17","Statement":[]}\n',
    rotation: { periodDays: 90, nextAt: 8 },
    materials,
  }
  const alias = {
    name: 'alias/app',
    ...place,
    arn: 'arn:aws:kms:us-east-1:111122223333:alias/app',
    targetKeyId: id,
    createdAt: 6,
    updatedAt: 6,
  }
  const keystore: Keystore = { storeId, generation: 3, keys: [key], aliases: [alias] }
  return { keystore, rootKey, storeKeys, text: encodeKeystore(keystore, storeKeys) }
}
