/** For tests: what callers of the grant operations can do wrong. */

import { atMost, broken, type ErrorCase, type Fixture } from './error-case.ts'

const USER = 'arn:aws:iam::000000000000:user/grantee'
const ID = '0'.repeat(64)
const INVALID_PRINCIPAL = 'ARN does not refer to a valid principal.'

const terms = (f: Fixture, o: object = {}) => ({
  KeyId: f.id,
  GranteePrincipal: USER,
  Operations: ['Decrypt'],
  ...o,
})

const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']))

type Row = readonly [operation: string, what: string, ErrorCase['input'], error: string, text: ErrorCase['text']]

const rows: readonly Row[] = [
  [
    'CreateGrant',
    'nothing but a key',
    (f) => ({ KeyId: f.id }),
    'ValidationException',
    broken(["Value null at 'granteePrincipal'", 'not be null'], ["Value null at 'operations'", 'not be null']),
  ],
  ...['s3.amazonaws.com', 'arn:aws:iam::000000000000:group/g', '000000000000', 'arn:aws:iam::1:user/a'].map(
    (GranteePrincipal): Row => [
      'CreateGrant',
      `granted to ${GranteePrincipal}`,
      (f) => terms(f, { GranteePrincipal }),
      'InvalidArnException',
      INVALID_PRINCIPAL,
    ],
  ),
  [
    'CreateGrant',
    'a retiring principal that is none',
    (f) => terms(f, { RetiringPrincipal: 'nobody' }),
    'InvalidArnException',
    INVALID_PRINCIPAL,
  ],
  ['CreateGrant', 'no operations', (f) => terms(f, { Operations: [] }), 'ValidationException', undefined],
  [
    'CreateGrant',
    'an operation of asymmetric keys',
    (f) => terms(f, { Operations: ['Decrypt', 'Sign'] }),
    'ValidationException',
    undefined,
  ],
  [
    'CreateGrant',
    'an operation of none',
    (f) => terms(f, { Operations: ['PutKeyPolicy'] }),
    'ValidationException',
    undefined,
  ],
  [
    'CreateGrant',
    'a name with a blank',
    (f) => terms(f, { Name: 'a b' }),
    'ValidationException',
    broken(["Value 'a b' at 'name'", 'satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$']),
  ],
  [
    'CreateGrant',
    'nine pairs',
    (f) => terms(f, { Constraints: { EncryptionContextEquals: pairs(9) } }),
    'ValidationException',
    broken(["Value at 'constraints.encryptionContextEquals'", atMost(8)]),
  ],
  [
    'CreateGrant',
    'a value of 385 characters',
    (f) => terms(f, { Constraints: { EncryptionContextSubset: { a: 'x'.repeat(385) } } }),
    'ValidationException',
    undefined,
  ],
  [
    'CreateGrant',
    'a name of a pair of 385 characters',
    (f) => terms(f, { Constraints: { EncryptionContextSubset: { ['x'.repeat(385)]: 'a' } } }),
    'ValidationException',
    undefined,
  ],
  [
    'CreateGrant',
    'both kinds of constraint',
    (f) => terms(f, { Constraints: { EncryptionContextEquals: pairs(1), EncryptionContextSubset: pairs(1) } }),
    'ValidationException',
    undefined,
  ],
  [
    'CreateGrant',
    'another constraint',
    (f) => terms(f, { Constraints: { SourceArn: USER } }),
    'UnsupportedOperationException',
    'The parameter constraints.SourceArn is not supported.',
  ],
  [
    'CreateGrant',
    'a service',
    (f) => terms(f, { GranteeServicePrincipal: 's3.amazonaws.com' }),
    'UnsupportedOperationException',
    undefined,
  ],
  ['CreateGrant', 'a dry run', (f) => terms(f, { DryRun: true }), 'DryRunOperationException', undefined],
  [
    'CreateGrant',
    'an unknown token',
    (f) => terms(f, { GrantTokens: ['t'] }),
    'InvalidGrantTokenException',
    'The grant token is not valid.',
  ],
  [
    'CreateGrant',
    'eleven tokens',
    (f) => terms(f, { GrantTokens: Array(11).fill('') }),
    'ValidationException',
    undefined,
  ],
  ['ListGrants', 'an unknown grant', (f) => ({ KeyId: f.id, GrantId: ID }), 'InvalidGrantIdException', undefined],
  [
    'ListGrants',
    'an impossible grantee',
    (f) => ({ KeyId: f.id, GranteePrincipal: 'nobody' }),
    'InvalidArnException',
    INVALID_PRINCIPAL,
  ],
  [
    'ListGrants',
    "another listing's marker",
    (f) => ({ KeyId: f.id, Marker: 'x' }),
    'InvalidMarkerException',
    undefined,
  ],
  ['ListRetirableGrants', 'nobody', () => ({ RetiringPrincipal: 'nobody' }), 'InvalidArnException', INVALID_PRINCIPAL],
  [
    'ListRetirableGrants',
    "another account's principal",
    () => ({ RetiringPrincipal: 'arn:aws:iam::444455556666:user/a' }),
    'AccessDeniedException',
    undefined,
  ],
  [
    'ListRetirableGrants',
    "another listing's marker",
    () => ({ RetiringPrincipal: USER, Marker: 'x' }),
    'InvalidMarkerException',
    undefined,
  ],
  ['RevokeGrant', 'an unknown grant', (f) => ({ KeyId: f.id, GrantId: ID }), 'InvalidGrantIdException', undefined],
  ['RetireGrant', 'nothing', () => ({}), 'ValidationException', undefined],
  ['RetireGrant', 'an unknown grant', (f) => ({ KeyId: f.arn, GrantId: ID }), 'InvalidGrantIdException', undefined],
  ['RetireGrant', 'an unknown token', () => ({ GrantToken: 'dA==' }), 'InvalidGrantTokenException', undefined],
  [
    'RetireGrant',
    'an unknown key',
    (f) => ({ KeyId: f.arn.replace(/.{12}$/, '0'.repeat(12)), GrantId: ID }),
    'InvalidGrantIdException',
    undefined,
  ],
]

export const grantCases = rows.map(([operation, what, input, error, text]): ErrorCase => {
  return { operation, what, input, error, text }
})
