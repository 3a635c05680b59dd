/** For tests: what can be wrong with a plaintext, a ciphertext or a size. */

import { atLeast, atMost, broken, type ErrorCase, valueAtLeast, valueAtMost } from './error-case.ts'

const [ONE, TEXT, AES] = [Buffer.from('x').toString('base64'), 'VGV4dA==', { KeySpec: 'AES_256' }] as const
const INCORRECT_KEY = 'The key ID in the request does not identify a CMK that can perform this operation.'
const NO_SUCH_KEY =
  'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.'
const DRY_RUN = 'The request would have succeeded, but the DryRun option is set.'

const flipped = (blob: string, at: number) => {
  const bytes = Buffer.from(blob, 'base64')
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  return bytes.toString('base64')
}

export const dataKeyCases = (['GenerateDataKey', 'GenerateDataKeyWithoutPlaintext'] as const).flatMap((operation) =>
  (
    [
      ['no size', {}, 'ValidationException', 'Please specify either number of bytes or key spec.'],
      [
        'two sizes',
        { ...AES, NumberOfBytes: 32 },
        'ValidationException',
        'Please specify either number of bytes or key spec.',
      ],
      [
        '0 bytes',
        { NumberOfBytes: 0 },
        'ValidationException',
        broken(["Value '0' at 'numberOfBytes'", valueAtLeast(1)]),
      ],
      [
        '1,025 bytes',
        { NumberOfBytes: 1025 },
        'ValidationException',
        broken(["Value '1025' at 'numberOfBytes'", valueAtMost(1024)]),
      ],
      [
        'another key spec',
        { KeySpec: 'AES_512' },
        'ValidationException',
        broken(["Value 'AES_512' at 'keySpec'", 'satisfy enum value set: [AES_256, AES_128]']),
      ],
      ['a dry run', { ...AES, DryRun: true }, 'DryRunOperationException', DRY_RUN],
      [
        'an unknown grant token',
        { ...AES, GrantTokens: ['t'] },
        'InvalidGrantTokenException',
        'The grant token is not valid.',
      ],
      [
        'an encryption context that is no map',
        { ...AES, EncryptionContext: ['a'] },
        'SerializationException',
        undefined,
      ],
      [
        'an encryption context value that is no text',
        { ...AES, EncryptionContext: { a: true } },
        'SerializationException',
        undefined,
      ],
      [
        'an encryption context of 257 pairs',
        { ...AES, EncryptionContext: Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`n${n}`, ''])) },
        'ValidationException',
        'EncryptionContext has more than 256 pairs.',
      ],
      [
        'an encryption context of 8,193 characters',
        { ...AES, EncryptionContext: { name: 'x'.repeat(8189) } },
        'ValidationException',
        'EncryptionContext has more than 8192 characters.',
      ],
      [
        'an encryption context of five spellings of one name',
        { ...AES, EncryptionContext: { abc: '', Abc: '', aBc: '', abC: '', ABC: '' } },
        'ValidationException',
        'EncryptionContext has more than 4 names that differ in case alone.',
      ],
    ] as const
  ).map(([what, input, error, text]): ErrorCase => {
    return { operation, what, input: (f) => ({ KeyId: f.id, ...input }), error, text }
  }),
)

export const cipherCases = (
  [
    [
      'Encrypt',
      'no plaintext',
      (f) => ({ KeyId: f.id, Plaintext: '' }),
      'ValidationException',
      broken(["Value at 'plaintext'", atLeast(1)]),
    ],
    [
      'Encrypt',
      '4,097 bytes',
      (f) => ({ KeyId: f.id, Plaintext: Buffer.alloc(4097).toString('base64') }),
      'ValidationException',
      broken(["Value at 'plaintext'", atMost(4096)]),
    ],
    [
      'Encrypt',
      'a plaintext that is no base64',
      (f) => ({ KeyId: f.id, Plaintext: '*' }),
      'SerializationException',
      undefined,
    ],
    [
      'Encrypt',
      'two broken rules',
      () => ({ Plaintext: '' }),
      'ValidationException',
      broken(["Value null at 'keyId'", 'not be null'], ["Value at 'plaintext'", atLeast(1)]),
    ],
    [
      'Encrypt',
      'a dry run',
      (f) => ({ KeyId: f.id, Plaintext: TEXT, DryRun: true }),
      'DryRunOperationException',
      DRY_RUN,
    ],
    [
      'Encrypt',
      'a dry run with a disabled key',
      (f) => ({ KeyId: f.disabledArn, Plaintext: TEXT, DryRun: true }),
      'DisabledException',
      (f) => `${f.disabledArn} is disabled.`,
    ],
    ['Decrypt', 'a made-up ciphertext', () => ({ CiphertextBlob: ONE }), 'InvalidCiphertextException', null],
    [
      'Decrypt',
      'an altered ciphertext',
      (f) => ({ CiphertextBlob: flipped(f.blob, 90) }),
      'InvalidCiphertextException',
      null,
    ],
    [
      'Decrypt',
      'an encryption context of others',
      (f) => ({ CiphertextBlob: f.blob, EncryptionContext: { a: 'b' } }),
      'InvalidCiphertextException',
      null,
    ],
    [
      'Decrypt',
      'a ciphertext of an unknown key',
      (f) => ({ CiphertextBlob: flipped(f.blob, 4) }),
      'AccessDeniedException',
      NO_SUCH_KEY,
    ],
    [
      'Decrypt',
      'another key than the one that encrypted',
      (f) => ({ CiphertextBlob: f.blob, KeyId: f.otherId }),
      'IncorrectKeyException',
      INCORRECT_KEY,
    ],
    [
      'Decrypt',
      'a disabled key that is not the one that encrypted',
      (f) => ({ CiphertextBlob: f.blob, KeyId: f.disabledArn }),
      'IncorrectKeyException',
      INCORRECT_KEY,
    ],
    [
      'Decrypt',
      'no ciphertext',
      () => ({}),
      'ValidationException',
      broken(["Value null at 'ciphertextBlob'", 'not be null']),
    ],
    [
      'Decrypt',
      'an empty ciphertext',
      () => ({ CiphertextBlob: '' }),
      'ValidationException',
      broken(["Value at 'ciphertextBlob'", atLeast(1)]),
    ],
    [
      'Decrypt',
      '6,145 bytes',
      () => ({ CiphertextBlob: Buffer.alloc(6145).toString('base64') }),
      'ValidationException',
      broken(["Value at 'ciphertextBlob'", atMost(6144)]),
    ],
    ['Decrypt', 'a dry run', (f) => ({ CiphertextBlob: f.blob, DryRun: true }), 'DryRunOperationException', DRY_RUN],
    [
      'Decrypt',
      'another algorithm',
      (f) => ({ CiphertextBlob: f.blob, EncryptionAlgorithm: 'SM2PKE' }),
      'UnsupportedOperationException',
      'The EncryptionAlgorithm SM2PKE is not supported.',
    ],
    [
      'ReEncrypt',
      'a made-up ciphertext',
      (f) => ({ CiphertextBlob: ONE, DestinationKeyId: f.id }),
      'InvalidCiphertextException',
      null,
    ],
    [
      'ReEncrypt',
      'a source context of others',
      (f) => ({ CiphertextBlob: f.blob, DestinationKeyId: f.id, SourceEncryptionContext: { a: 'b' } }),
      'InvalidCiphertextException',
      null,
    ],
    [
      'ReEncrypt',
      'a ciphertext of an unknown key',
      (f) => ({ CiphertextBlob: flipped(f.blob, 4), DestinationKeyId: f.id }),
      'AccessDeniedException',
      NO_SUCH_KEY,
    ],
    [
      'ReEncrypt',
      'another source than the key that encrypted',
      (f) => ({ CiphertextBlob: f.blob, SourceKeyId: f.otherId, DestinationKeyId: f.id }),
      'IncorrectKeyException',
      INCORRECT_KEY,
    ],
    [
      'ReEncrypt',
      'a dry run',
      (f) => ({ CiphertextBlob: f.blob, DestinationKeyId: f.id, DryRun: true }),
      'DryRunOperationException',
      DRY_RUN,
    ],
    ['GenerateRandom', 'no number of bytes', () => ({}), 'ValidationException', 'NumberOfBytes is required.'],
    [
      'GenerateRandom',
      '0 bytes',
      () => ({ NumberOfBytes: 0 }),
      'ValidationException',
      broken(["Value '0' at 'numberOfBytes'", valueAtLeast(1)]),
    ],
    [
      'GenerateRandom',
      '1,025 bytes',
      () => ({ NumberOfBytes: 1025 }),
      'ValidationException',
      broken(["Value '1025' at 'numberOfBytes'", valueAtMost(1024)]),
    ],
    [
      'GenerateRandom',
      'a custom key store',
      () => ({ NumberOfBytes: 1, CustomKeyStoreId: 'cks-1' }),
      'UnsupportedOperationException',
      'The parameter CustomKeyStoreId is not supported.',
    ],
  ] as const satisfies readonly (readonly [string, string, ErrorCase['input'], string, ErrorCase['text']])[]
).map(([operation, what, input, error, text]): ErrorCase => ({ operation, what, input, error, text }))
