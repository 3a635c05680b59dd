/** For tests: what every operation with a key says when it cannot find it; the rest of the request is in order. */

import { atLeast, atMost, broken, type ErrorCase, type Fixture, makeTags } from './error-case.ts'

const [TEXT, AES] = ['VGV4dA==', { KeySpec: 'AES_256' }] as const
const UNKNOWN = '1234abcd-12ab-34cd-56ef-1234567890ab'
const UNKNOWN_TEXT = `Key 'arn:aws:kms:us-east-1:000000000000:key/${UNKNOWN}' does not exist`

const KEY_TAKERS: readonly {
  operation: string
  member: string
  takesAlias: boolean
  optional?: boolean
  input: (fixture: Fixture) => object
}[] = [
  { operation: 'CreateAlias', member: 'TargetKeyId', takesAlias: false, input: () => ({ AliasName: 'alias/new' }) },
  { operation: 'UpdateAlias', member: 'TargetKeyId', takesAlias: false, input: (f) => ({ AliasName: f.alias }) },
  { operation: 'DescribeKey', member: 'KeyId', takesAlias: true, input: () => ({}) },
  { operation: 'EnableKey', member: 'KeyId', takesAlias: false, input: () => ({}) },
  { operation: 'DisableKey', member: 'KeyId', takesAlias: false, input: () => ({}) },
  { operation: 'Encrypt', member: 'KeyId', takesAlias: true, input: () => ({ Plaintext: TEXT }) },
  {
    operation: 'Decrypt',
    member: 'KeyId',
    takesAlias: true,
    optional: true,
    input: (f) => ({ CiphertextBlob: f.blob }),
  },
  { operation: 'GenerateDataKey', member: 'KeyId', takesAlias: true, input: () => AES },
  { operation: 'GenerateDataKeyWithoutPlaintext', member: 'KeyId', takesAlias: true, input: () => AES },
  {
    operation: 'ReEncrypt',
    member: 'SourceKeyId',
    takesAlias: true,
    optional: true,
    input: (f) => ({ CiphertextBlob: f.blob, DestinationKeyId: f.otherId }),
  },
  { operation: 'ReEncrypt', member: 'DestinationKeyId', takesAlias: true, input: (f) => ({ CiphertextBlob: f.blob }) },
  {
    operation: 'CreateGrant',
    member: 'KeyId',
    takesAlias: false,
    input: () => ({ GranteePrincipal: 'arn:aws:iam::000000000000:root', Operations: ['Decrypt'] }),
  },
  { operation: 'ListGrants', member: 'KeyId', takesAlias: false, input: () => ({}) },
  { operation: 'RevokeGrant', member: 'KeyId', takesAlias: false, input: () => ({ GrantId: 'a' }) },
  { operation: 'GetKeyPolicy', member: 'KeyId', takesAlias: false, input: () => ({}) },
  { operation: 'ListKeyPolicies', member: 'KeyId', takesAlias: false, input: () => ({}) },
  { operation: 'ListAliases', member: 'KeyId', takesAlias: false, optional: true, input: () => ({}) },
  { operation: 'ListResourceTags', member: 'KeyId', takesAlias: false, input: () => ({}) },
  { operation: 'TagResource', member: 'KeyId', takesAlias: false, input: () => ({ Tags: makeTags(1) }) },
  { operation: 'UntagResource', member: 'KeyId', takesAlias: false, input: () => ({ TagKeys: ['k'] }) },
  { operation: 'UpdateKeyDescription', member: 'KeyId', takesAlias: false, input: () => ({ Description: '' }) },
]

export const keyCases = KEY_TAKERS.flatMap(
  ({ operation, member, takesAlias, optional = false, input }): ErrorCase[] => {
    const field = `at '${member.charAt(0).toLowerCase()}${member.slice(1)}'`
    const named = (what: string, name: (f: Fixture) => string | undefined, error: string, text: ErrorCase['text']) => {
      return {
        operation,
        what: `${member} ${what}`,
        input: (f: Fixture) => ({ ...input(f), [member]: name(f) }),
        error,
        text,
      }
    }
    const isTarget = member === 'TargetKeyId'
    return [
      named('unknown', () => UNKNOWN, 'NotFoundException', UNKNOWN_TEXT),
      named('malformed', () => 'xyz', 'NotFoundException', "Invalid keyId 'xyz'"),
      named('a UUID without dashes', () => UNKNOWN.replaceAll('-', ''), 'NotFoundException', undefined),
      named(
        'of another region',
        (f) => f.arn.replace('us-east-1', 'us-west-2'),
        'NotFoundException',
        'Invalid arn us-west-2',
      ),
      takesAlias
        ? named(
            'an unknown alias',
            () => 'alias/none',
            'NotFoundException',
            'Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found.',
          )
        : isTarget
          ? named('an alias', (f) => f.alias, 'ValidationException', 'Aliases must refer to keys. Not aliases')
          : named(
              'an alias',
              (f) => f.alias,
              'NotFoundException',
              (f) => `Invalid keyId '${f.alias}'`,
            ),
      ...(optional
        ? []
        : [named('missing', () => undefined, 'ValidationException', broken([`Value null ${field}`, 'not be null']))]),
      named('empty', () => '', 'ValidationException', broken([`Value '' ${field}`, atLeast(1)])),
      named(
        'over 2,048 characters',
        () => 'x'.repeat(2049),
        'ValidationException',
        broken([`Value '${'x'.repeat(128)}' ${field}`, atMost(2048)]),
      ),
    ]
  },
)
