import assert from 'node:assert/strict'
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type BlobContext, openBlob, readBlobHeader, sealBlob } from './ciphertext-blob.ts'
import { InvalidCiphertextError } from './errors.ts'
import vectors from './vectors/ciphertext-blob.json' with { type: 'json' }

suite('openBlob()', () => {
  for (const vector of vectors.accepted) {
    test(`opens the frozen vector: ${vector.name}`, () => {
      const blob = Buffer.from(vector.blob, 'hex')
      assert.equal(openBlob(blob, contextOf(vector)).toString('hex'), vector.plaintext)
    })
  }

  for (const vector of vectors.refused) {
    test(`refuses the frozen vector: ${vector.name}`, () => {
      assert.throws(() => openBlob(Buffer.from(vector.blob, 'hex'), contextOf(vector)), InvalidCiphertextError)
    })
  }

  test('returns what was sealed, of any allowed length', () => {
    const { context } = setup()
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 4096 }), (plaintext) => {
        assert.deepEqual(openBlob(sealBlob(plaintext, context), context), Buffer.from(plaintext))
      }),
      { numRuns: 50 },
    )
  })

  test('refuses a blob with any one bit flipped', () => {
    const { blob, context } = setup()
    for (let bit = 0; bit < blob.byteLength * 8; bit++) {
      assert.throws(() => openBlob(flipBit(blob, bit), context), InvalidCiphertextError, `bit ${bit}`)
    }
  })

  test('refuses a blob cut or extended at either end', () => {
    const { blob, context } = setup()
    for (let length = 0; length < blob.byteLength; length++) {
      assert.throws(() => openBlob(blob.subarray(0, length), context), InvalidCiphertextError, `${length} bytes`)
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (more) => {
        assert.throws(() => openBlob(Buffer.concat([blob, more]), context), InvalidCiphertextError)
        assert.throws(() => openBlob(Buffer.concat([more, blob]), context), InvalidCiphertextError)
      }),
    )
  })

  test('refuses arbitrary bytes, and arbitrary bytes behind a good beginning', () => {
    const { blob, context } = setup()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat({ max: 84 }), (bytes, kept) => {
        assert.throws(() => openBlob(bytes, context), InvalidCiphertextError)
        const spliced = Buffer.concat([blob.subarray(0, kept), bytes])
        assert.throws(() => openBlob(spliced, context), InvalidCiphertextError)
      }),
    )
  })

  test('refuses another key ARN, key id, material and encryption context', () => {
    const { blob, context } = setup()
    const others: Partial<BlobContext>[] = [
      { keyArn: context.keyArn.replace('us-east-1', 'us-east-2') },
      { keyId: randomUUID() },
      { materialId: 'ab'.repeat(32) },
      { material: createSecretKey(randomBytes(32)) },
      { encryptionContext: new Map() },
      { encryptionContext: new Map([...context.encryptionContext, ['more', '']]) },
    ]
    for (const other of others) {
      assert.throws(() => openBlob(blob, { ...context, ...other }), InvalidCiphertextError, Object.keys(other)[0])
    }
  })
})

suite('sealBlob()', () => {
  test('adds 96 bytes', () => {
    const { context } = setup()
    assert.equal(sealBlob(Buffer.alloc(32), context).byteLength, 128)
    assert.equal(sealBlob(Buffer.alloc(4096), context).byteLength, 4192)
  })

  test('never gives the same nonce, IV or ciphertext twice', () => {
    const { context } = setup()
    const blobs = Array.from({ length: 50 }, () => sealBlob(Buffer.alloc(32), context))
    for (const [from, to] of [
      [52, 68],
      [68, 80],
      [80, 112],
    ]) {
      assert.equal(new Set(blobs.map((blob) => blob.toString('hex', from, to))).size, blobs.length)
    }
  })

  test('refuses a plaintext that is empty or longer than KMS allows', () => {
    const { context } = setup()
    assert.throws(() => sealBlob(Buffer.alloc(0), context), RangeError)
    assert.throws(() => sealBlob(Buffer.alloc(4097), context), RangeError)
  })
})

suite('readBlobHeader()', () => {
  test('reads key id and material id, of multi-Region keys too', () => {
    const { context } = setup()
    const single = readBlobHeader(sealBlob(Buffer.alloc(1), context))
    assert.deepEqual(single, { keyId: context.keyId, materialId: context.materialId })
    const keyId = `mrk-${'0f'.repeat(16)}`
    assert.equal(readBlobHeader(sealBlob(Buffer.alloc(1), { ...context, keyId })).keyId, keyId)
  })

  test('answers for arbitrary bytes with a header or with InvalidCiphertextError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const spliced = Buffer.concat([Buffer.from('SK\x01\x01'), bytes])
        for (const candidate of [bytes, spliced]) {
          try {
            assert.match(readBlobHeader(candidate).materialId, /^[0-9a-f]{64}$/)
          } catch (error) {
            assert.ok(error instanceof InvalidCiphertextError)
          }
        }
      }),
    )
  })
})

interface Vector {
  keyArn: string
  keyId: string
  materialId: string
  material: string
  encryptionContext: string[][]
}

function contextOf(vector: Vector): BlobContext {
  const { keyArn, keyId, materialId } = vector
  const pairs = vector.encryptionContext.map(([key = '', value = '']) => [key, value] as const)
  const material = createSecretKey(vector.material, 'hex')
  return { keyArn, keyId, materialId, material, encryptionContext: new Map(pairs) }
}

function setup() {
  const keyId = randomUUID()
  const context: BlobContext = {
    keyArn: `arn:aws:kms:us-east-1:111122223333:key/${keyId}`,
    keyId,
    materialId: randomBytes(32).toString('hex'),
    material: createSecretKey(randomBytes(32)),
    encryptionContext: new Map([['aws:sns:topicArn', 'arn:aws:sns:us-east-1:111122223333:orders']]),
  }
  return { context, blob: sealBlob(randomBytes(32), context) }
}

function flipBit(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes)
  flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
  return flipped
}
