/** For tests: keys that KMS would not make, and those that only this KMS does not. */

import { atMost, broken, type ErrorCase } from './error-case.ts'

export const createKeyCases: readonly ErrorCase[] = (
  [
    [
      { KeySpec: 'HMAC_256' },
      'ValidationException',
      'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
    ],
    [
      { CustomerMasterKeySpec: 'RSA_2048' },
      'ValidationException',
      'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
    ],
    [
      { KeySpec: 'RSA_2048', KeyUsage: 'KEY_AGREEMENT' },
      'ValidationException',
      'KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048',
    ],
    [
      { KeyUsage: 'SIGN_VERIFY' },
      'ValidationException',
      'KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT',
    ],
    [
      { KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' },
      'UnsupportedOperationException',
      'The KeySpec RSA_2048 is not supported.',
    ],
    [{ KeySpec: 'FOO' }, 'ValidationException', undefined],
    [{ KeyUsage: 'FOO' }, 'ValidationException', undefined],
    [
      { Origin: 'FOO', Description: 'x'.repeat(8193) },
      'ValidationException',
      broken(
        ["Value 'FOO' at 'origin'", 'satisfy enum value set: [AWS_KMS, EXTERNAL, AWS_CLOUDHSM, EXTERNAL_KEY_STORE]'],
        [`Value '${'x'.repeat(128)}' at 'description'`, atMost(8192)],
      ),
    ],
    [
      { KeySpec: 'SYMMETRIC_DEFAULT', CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT' },
      'ValidationException',
      'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
    ],
    [{ Origin: 'EXTERNAL' }, 'UnsupportedOperationException', 'The Origin EXTERNAL is not supported.'],
    [{ MultiRegion: true }, 'UnsupportedOperationException', 'The parameter MultiRegion is not supported.'],
    [
      { Policy: '{}' },
      'MalformedPolicyDocumentException',
      'The policy document is malformed: missing-element at Statement.',
    ],
    [
      { CustomKeyStoreId: 'cks-1' },
      'UnsupportedOperationException',
      'The parameter CustomKeyStoreId is not supported.',
    ],
  ] as const
).map(([input, error, text]) => ({
  operation: 'CreateKey',
  what: JSON.stringify(input).slice(0, 60),
  input: () => input,
  error,
  text,
}))
