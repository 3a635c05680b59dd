/** For tests: what can be wrong with names, pages, tags and descriptions. */

import {
  atLeast,
  atMost,
  broken,
  type ErrorCase,
  type Fixture,
  makeTags,
  valueAtLeast,
  valueAtMost,
} from './error-case.ts'

const PREFIX_TEXT =
  'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html'

export const aliasNameCases = (['CreateAlias', 'UpdateAlias', 'DeleteAlias'] as const).flatMap(
  (operation): ErrorCase[] => {
    const named = (what: string, AliasName: string | undefined, error: string, text: ErrorCase['text']): ErrorCase => {
      const target = (f: Fixture) => (operation === 'DeleteAlias' ? {} : { TargetKeyId: f.id })
      return { operation, what: `AliasName ${what}`, input: (f) => ({ ...target(f), AliasName }), error, text }
    }
    const [subject, long] = ["at 'aliasName'", `alias/${'x'.repeat(251)}`]
    return [
      named('without prefix', 'orders', 'ValidationException', PREFIX_TEXT),
      named('of the prefix alone', 'alias/', 'ValidationException', PREFIX_TEXT),
      named('reserved', 'alias/aws/sns', 'NotAuthorizedException', null),
      named(
        'with a character outside the pattern',
        'alias/x!',
        'ValidationException',
        broken([`Value 'alias/x!' ${subject}`, 'satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$']),
      ),
      named(
        'with a colon',
        'alias/my:alias',
        'ValidationException',
        'alias/my:alias contains invalid characters for an alias',
      ),
      named(
        'over 256 characters',
        long,
        'ValidationException',
        broken([`Value '${long.slice(0, 128)}' ${subject}`, atMost(256)]),
      ),
      named('missing', undefined, 'ValidationException', broken([`Value null ${subject}`, 'not be null'])),
    ]
  },
)

const paged = [
  ['ListKeys', 1000],
  ['ListAliases', 100],
  ['ListKeyPolicies', 1000],
  ['ListResourceTags', 50],
] as const
export const pageCases = paged.flatMap(([operation, max]): ErrorCase[] => {
  const given = (what: string, page: object, error: string, text: ErrorCase['text']): ErrorCase => {
    return {
      operation,
      what,
      input: (f) => ({ ...(operation === 'ListKeys' ? {} : { KeyId: f.id }), ...page }),
      error,
      text,
    }
  }
  const limit = (value: number) => `Value '${value}' at 'limit'`
  return [
    given('Limit 0', { Limit: 0 }, 'ValidationException', broken([limit(0), valueAtLeast(1)])),
    given(`Limit ${max + 1}`, { Limit: max + 1 }, 'ValidationException', broken([limit(max + 1), valueAtMost(max)])),
    given('Limit of another type', { Limit: '1' }, 'SerializationException', undefined),
    given('a made-up Marker', { Marker: 'nonsense' }, 'InvalidMarkerException', undefined),
    given(
      "another operation's Marker",
      { Marker: Buffer.from('X:y').toString('base64url') },
      'InvalidMarkerException',
      undefined,
    ),
    given('an empty Marker', { Marker: '' }, 'ValidationException', broken(["Value '' at 'marker'", atLeast(1)])),
  ]
})

export const tagCases = (['CreateKey', 'TagResource'] as const).flatMap((operation): ErrorCase[] => {
  const tagged = (what: string, Tags: unknown, error: string, text: ErrorCase['text']): ErrorCase => {
    return {
      operation,
      what,
      input: (f) => ({ ...(operation === 'CreateKey' ? {} : { KeyId: f.id }), Tags }),
      error,
      text,
    }
  }
  const one = (TagKey: string, TagValue: string) => [...makeTags(1), { TagKey, TagValue }]
  const [key, value] = ['x'.repeat(129), 'x'.repeat(257)]
  return [
    tagged('duplicate tag keys', [...makeTags(2), ...makeTags(1)], 'TagException', 'Duplicate tag keys'),
    tagged('51 tags', makeTags(51), 'TagException', 'Too many tags'),
    tagged(
      'five spellings of one tag key',
      ['abc', 'Abc', 'aBc', 'abC', 'ABC'].map((TagKey) => ({ TagKey, TagValue: '' })),
      'TagException',
      'More than 4 tag keys differ in case alone',
    ),
    tagged('a tag key of AWS', one('aws:x', ''), 'TagException', 'Tags beginning with aws: are reserved'),
    tagged('a tag key of AWS in capitals', one('AWS:x', ''), 'TagException', 'Tags beginning with aws: are reserved'),
    tagged(
      'a long tag key',
      one(key, ''),
      'ValidationException',
      broken([`Value '${key.slice(0, 128)}' at 'tags.2.member.tagKey'`, atMost(128)]),
    ),
    tagged(
      'a long tag value',
      one('x', value),
      'ValidationException',
      broken([`Value '${value.slice(0, 128)}' at 'tags.2.member.tagValue'`, atMost(256)]),
    ),
    tagged(
      'an empty tag key and no value',
      [{ TagKey: '' }],
      'ValidationException',
      broken(
        ["Value '' at 'tags.1.member.tagKey'", atLeast(1)],
        ["Value null at 'tags.1.member.tagValue'", 'not be null'],
      ),
    ),
    tagged('tags that are no list', {}, 'SerializationException', undefined),
  ]
})

const TARGET = { AliasName: 'alias/new' }
const ALIAS_GONE = 'Alias arn:aws:kms:us-east-1:000000000000:alias/new is not found.'
export const adminCases: readonly ErrorCase[] = (
  [
    [
      'CreateAlias',
      'a taken name',
      (f) => ({ AliasName: f.alias, TargetKeyId: f.otherId }),
      'AlreadyExistsException',
      (f) => `An alias with the name arn:aws:kms:us-east-1:000000000000:${f.alias} already exists`,
    ],
    ['UpdateAlias', 'an unknown alias', (f) => ({ ...TARGET, TargetKeyId: f.id }), 'NotFoundException', ALIAS_GONE],
    ['DeleteAlias', 'an unknown alias', () => TARGET, 'NotFoundException', ALIAS_GONE],
    [
      'GetKeyPolicy',
      'another policy name',
      (f) => ({ KeyId: f.id, PolicyName: 'other' }),
      'NotFoundException',
      'No such policy exists',
    ],
    [
      'UntagResource',
      'no tag keys',
      (f) => ({ KeyId: f.id }),
      'ValidationException',
      broken(["Value null at 'tagKeys'", 'not be null']),
    ],
    [
      'UntagResource',
      'an empty tag key',
      (f) => ({ KeyId: f.id, TagKeys: ['a', ''] }),
      'ValidationException',
      broken([
        "Value '[a, ]' at 'tagKeys'",
        'satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]',
      ]),
    ],
    [
      'TagResource',
      'no tags',
      (f) => ({ KeyId: f.id }),
      'ValidationException',
      broken(["Value null at 'tags'", 'not be null']),
    ],
    [
      'UpdateKeyDescription',
      'no description',
      (f) => ({ KeyId: f.id }),
      'ValidationException',
      broken(["Value null at 'description'", 'not be null']),
    ],
    [
      'UpdateKeyDescription',
      '8,193 characters',
      (f) => ({ KeyId: f.id, Description: 'x'.repeat(8193) }),
      'ValidationException',
      broken([`Value '${'x'.repeat(128)}' at 'description'`, atMost(8192)]),
    ],
    [
      'PutKeyPolicy',
      'no policy in the document',
      (f) => ({ KeyId: f.id, Policy: '{}' }),
      'MalformedPolicyDocumentException',
      'The policy document is malformed: missing-element at Statement.',
    ],
    [
      'PutKeyPolicy',
      'another policy name',
      (f) => ({ KeyId: f.id, PolicyName: 'other', Policy: '{}' }),
      'NotFoundException',
      'No such policy exists',
    ],
    [
      'PutKeyPolicy',
      '32,769 bytes',
      (f) => ({ KeyId: f.id, Policy: ' '.repeat(32_769) }),
      'LimitExceededException',
      'A key policy may have 32768 bytes, not more.',
    ],
    [
      'PutKeyPolicy',
      'a character beyond U+00FF',
      (f) => ({ KeyId: f.id, Policy: '{"Id":"\u0100"}' }),
      'ValidationException',
      undefined,
    ],
    ['Nonsense', 'anything', () => ({}), 'UnknownOperationException', undefined],
  ] as const satisfies readonly (readonly [string, string, ErrorCase['input'], string, ErrorCase['text']])[]
).map(([operation, what, input, error, text]): ErrorCase => ({ operation, what, input, error, text }))
