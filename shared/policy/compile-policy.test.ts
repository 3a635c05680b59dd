// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of policies

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { compilePolicy, MalformedPolicyError, type PolicyFault, type PolicyKind } from './index.ts'

const TOPIC = 'arn:aws:sns:us-east-1:111122223333:orders'
const IDENTITY = { Effect: 'Allow', Action: 'sns:Publish', Resource: TOPIC }
const RESOURCE = { ...IDENTITY, Principal: { AWS: '111122223333' } }

suite('compilePolicy()', () => {
  test('exposes what the statements say', () => {
    const text = JSON.stringify({
      Version: '2012-10-17',
      Id: 'mine',
      Statement: {
        Sid: 'A B',
        Effect: 'Deny',
        NotPrincipal: { AWS: ['111122223333', 'arn:aws:iam::111122223333:user/a'], Service: 's3.amazonaws.com' },
        NotAction: ['SNS:Get*', 'sns:Publish'],
        NotResource: 'arn:aws:sns:*:*:${aws:username}',
        Condition: { 'ForAnyValue:StringLike': { 'AWS:TagKeys': ['a', 1] } },
      },
    })
    const policy = compilePolicy(text, { kind: 'resource' })
    assert.equal(policy.text, text)
    assert.equal(policy.version, '2012-10-17')
    assert.equal(policy.id, 'mine')
    assert.deepEqual([...policy.conditionKeys].sort(), ['aws:tagkeys', 'aws:username'])
    const [statement] = policy.statements
    assert.equal(statement?.sid, 'A B')
    assert.equal(statement?.effect, 'Deny')
    assert.deepEqual(statement?.notActions, ['SNS:Get*', 'sns:Publish'])
    assert.deepEqual(statement?.notResources, ['arn:aws:sns:*:*:${aws:username}'])
    assert.deepEqual(statement?.notPrincipals, {
      everyone: false,
      aws: ['arn:aws:iam::111122223333:root', 'arn:aws:iam::111122223333:user/a'],
      accounts: ['111122223333'],
      services: ['s3.amazonaws.com'],
      federated: [],
      canonicalUsers: [],
    })
    const [condition] = statement?.conditions ?? []
    assert.deepEqual(
      [condition?.operator, condition?.key, condition?.values],
      ['ForAnyValue:StringLike', 'AWS:TagKeys', ['a', '1']],
    )
  })

  test('takes what IAM takes', () => {
    accepts('identity', { Version: '2008-10-17', Statement: [IDENTITY] })
    accepts('identity', { Statement: IDENTITY })
    accepts('identity', { Statement: { ...IDENTITY, Action: '*', Resource: '*', Condition: {} } })
    for (const Action of ['sns:*', 'SNS:Pub?ish', '*', ['sns:Get*', 'kms:Decrypt']])
      accepts('identity', { Statement: { ...IDENTITY, Action } })
    for (const Resource of [
      '*',
      'arn:aws:sns:*',
      'arn:aws:sns:*:*:*',
      'arn:aws:s3:::bucket/*',
      'arn:*:sns:us-?:1*:x',
      'arn:aws:kms:us-east-1:111122223333:key/*',
    ])
      accepts('identity', { Statement: { ...IDENTITY, Resource } })
    for (const Principal of PRINCIPALS) accepts('resource', { Statement: { ...RESOURCE, Principal } })
    accepts('key', { Statement: [{ Effect: 'Allow', Principal: '*' }] })
    accepts('key', { Statement: [{ ...RESOURCE, Sid: 'Enable IAM User Permissions' }] })
    accepts('trust', { Statement: { Effect: 'Allow', Principal: { AWS: '111122223333' }, Action: 'sts:AssumeRole' } })
  })

  test('refuses a malformed document with the reason and the place', () => {
    for (const [document, reason, place, kind] of MALFORMED)
      assert.deepEqual(faultOf(document, kind ?? 'identity'), { reason, place }, document.slice(0, 200))
  })

  test('refuses what is too long, in bytes, and takes what is just not', () => {
    for (const [kind, limit] of [
      ['identity', 30_720],
      ['resource', 30_720],
      ['key', 32_768],
    ] as const) {
      const document = (id: string) => JSON.stringify({ Id: id, Statement: kind === 'identity' ? IDENTITY : RESOURCE })
      const room = limit - Buffer.byteLength(document(''))
      assert.doesNotThrow(() => compilePolicy(document('x'.repeat(room)), { kind }))
      assert.deepEqual(faultOf(document('x'.repeat(room + 1)), kind), { reason: 'too-long', place: '' })
      assert.deepEqual(faultOf(document('é'.repeat(room / 2 + 1)), kind), { reason: 'too-long', place: '' })
    }
  })

  test('does not put values of the document into its errors', () => {
    const secret = 'hunter2'
    const error = errorOf(JSON.stringify({ Statement: { ...IDENTITY, Resource: secret } }), 'identity')
    assert.ok(!error?.message.includes(secret))
    assert.ok((errorOf(`{"${'x'.repeat(20_000)}":1}`, 'identity')?.message.length ?? 0) < 300)
  })

  test('throws nothing but MalformedPolicyError, whatever it is given', () => {
    const near = fc.record(
      {
        Version: fc.oneof(fc.constant('2012-10-17'), fc.jsonValue()),
        Statement: fc.oneof(
          fc.jsonValue(),
          fc.array(
            fc.record(
              {
                Sid: fc.oneof(fc.string(), fc.jsonValue()),
                Effect: fc.oneof(fc.constantFrom('Allow', 'Deny'), fc.jsonValue()),
                Principal: fc.oneof(fc.constant('*'), fc.record({ AWS: fc.jsonValue() }), fc.jsonValue()),
                Action: fc.oneof(fc.constant('sns:*'), fc.jsonValue()),
                Resource: fc.oneof(fc.constant('*'), fc.string(), fc.jsonValue()),
                Condition: fc.oneof(
                  fc.jsonValue(),
                  fc.dictionary(fc.constantFrom('StringLike', 'DateEquals', 'IpAddress', 'ArnLike'), fc.jsonValue()),
                ),
              },
              { requiredKeys: [] },
            ),
          ),
        ),
      },
      { requiredKeys: [] },
    )
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      near.map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(text, fc.constantFrom<PolicyKind>('identity', 'resource', 'key', 'trust'), (document, kind) => {
        // Throws anything else itself.
        errorOf(document, kind)
      }),
      { numRuns: 2000 },
    )
  })

  test('reads JSON as JSON.parse does, where both take it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'grapheme' }), fc.json()), (value) => {
        const Id = value.toWellFormed()
        const policy = compilePolicy(JSON.stringify({ Id, Statement: IDENTITY }), { kind: 'identity' })
        assert.equal(policy.id, Id)
      }),
    )
  })
})

const PRINCIPALS = [
  '*',
  { AWS: '*' },
  { AWS: ['111122223333', 'arn:aws:iam::111122223333:root'] },
  { AWS: 'arn:aws:iam::111122223333:user/path/to/alice' },
  { AWS: 'arn:aws:iam::111122223333:role/shop' },
  { AWS: 'arn:aws:sts::111122223333:assumed-role/shop/monday' },
  { Service: ['s3.amazonaws.com', 'logs.us-east-1.amazonaws.com'] },
  { Federated: 'cognito-identity.amazonaws.com' },
  { CanonicalUser: '79a59df900b949e55d96a1e698fbaced' },
]

const S = 'Statement'

/** Text, reason, place, and the kind when it is not an identity policy. */
const MALFORMED: readonly (readonly [text: string, reason: PolicyFault, place: string, kind?: PolicyKind])[] = [
  ['', 'not-json', 'character 0'],
  ['{', 'not-json', 'character 1'],
  ['{} {}', 'not-json', 'character 3'],
  ['{"a":01}', 'not-json', 'character 6'],
  ["{'Statement':1}", 'not-json', 'character 1'],
  ['{"Id":"\\ud800","Statement":[]}', 'not-json', 'character 14'],
  ['{"Id":"\\x"}', 'not-json', 'character 9'],
  ['{"Id":"a\nb"}', 'not-json', 'character 9'],
  ['{"Id":"a",}', 'not-json', 'character 10'],
  ['{"Id":tru}', 'not-json', 'character 6'],
  ['\ufeff{}', 'not-json', 'character 0'],
  ['[]', 'wrong-type', ''],
  ['null', 'wrong-type', ''],
  ['"text"', 'wrong-type', ''],
  ['{}', 'missing-element', S],
  ['{"Statement":[]}', 'empty-list', S],
  ['{"Statement":"x"}', 'wrong-type', S],
  ['{"Statement":[1]}', 'wrong-type', 'Statement[0]'],
  ['{"Id":"a","Id":"b"}', 'duplicate-element', 'Id'],
  ['{"Statement":[{"Effect":"Allow","Effect":"Deny"}]}', 'duplicate-element', 'Statement[0].Effect'],
  ['{"\\u0049d":"a","Id":"b"}', 'duplicate-element', 'Id'],
  ['{"__proto__":{},"Statement":[]}', 'unknown-element', '__proto__'],
  ['{"Statement":{"__proto__":{"Effect":"Allow"},"Effect":"Deny"}}', 'unknown-element', `${S}.__proto__`],
  ['{"statement":[]}', 'unknown-element', 'statement'],
  [`${'['.repeat(10_000)}`, 'too-deep', '[0]'.repeat(13)],
  [`{"Statement":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`, 'too-deep', `${S}${'.a'.repeat(12)}`],
  ['{"Version":"2012-10-18","Statement":[]}', 'bad-version', 'Version'],
  ['{"Version":2012,"Statement":[]}', 'wrong-type', 'Version'],
  ['{"Id":1,"Statement":[]}', 'wrong-type', 'Id'],
  [statement({ Effect: undefined }), 'missing-element', `${S}.Effect`],
  [statement({ Effect: 'allow' }), 'bad-effect', `${S}.Effect`],
  [statement({ Effect: ['Allow'] }), 'wrong-type', `${S}.Effect`],
  [statement({ Sid: 'a b' }), 'bad-sid', `${S}.Sid`],
  [statement({ Sid: 1 }), 'wrong-type', `${S}.Sid`],
  [statement({ ...RESOURCE, Sid: 'a\nb' }), 'bad-sid', `${S}.Sid`, 'resource'],
  [
    JSON.stringify({
      Statement: [
        { ...IDENTITY, Sid: 'a' },
        { ...IDENTITY, Sid: 'a' },
      ],
    }),
    'duplicate-sid',
    'Statement[1].Sid',
  ],
  [statement({ Resorce: '*' }), 'unknown-element', `${S}.Resorce`],
  [statement({ Action: undefined }), 'missing-element', `${S}.Action`],
  [statement({ NotAction: '*' }), 'conflicting-elements', `${S}.NotAction`],
  [statement({ Action: [] }), 'empty-list', `${S}.Action`],
  [statement({ Action: ['sns:Publish', 7] }), 'wrong-type', `${S}.Action[1]`],
  ...['', 'Publish', 'sns:', ':Publish', 'sns:Pub:lish', 's*:Publish', 'sns:Pub lish', '**', 'sns:${x}'].map(
    (Action) => [statement({ Action }), 'bad-action', `${S}.Action`] as const,
  ),
  [statement({ Resource: undefined }), 'missing-element', `${S}.Resource`],
  [statement({ NotResource: '*' }), 'conflicting-elements', `${S}.NotResource`],
  [statement({ Resource: [] }), 'empty-list', `${S}.Resource`],
  [statement({ Resource: ['*', 'orders'] }), 'bad-resource', `${S}.Resource[1]`],
  ...[
    '',
    'orders',
    '**',
    'arn:*',
    'arn:aws:*',
    'arn:aws:*:*:*:*',
    'arn:aws:sns',
    'arn:aws:sns:us-east-1',
    'arn:aws:sns:*:orders',
    'arn:aws:sns:a:b:',
    'urn:aws:sns:a:b:c',
    'ARN:aws:sns:a:b:c',
  ].map((Resource) => [statement({ Resource }), 'bad-resource', `${S}.Resource`] as const),
  [variable('arn:aws:sns:us-east-1:${aws:PrincipalAccount}:x'), 'bad-variable', `${S}.Resource`],
  [variable('arn:aws:sns:us-east-1:1:${aws:username'), 'bad-variable', `${S}.Resource`],
  [statement({ Principal: '*' }), 'misplaced-element', `${S}.Principal`],
  [statement({ NotPrincipal: '*' }), 'misplaced-element', `${S}.NotPrincipal`],
  [statement({}), 'missing-element', `${S}.Principal`, 'resource'],
  [statement({ NotPrincipal: { AWS: '111122223333' } }), 'misplaced-element', `${S}.NotPrincipal`, 'resource'],
  [statement({ Principal: '*', NotPrincipal: '*' }), 'conflicting-elements', `${S}.NotPrincipal`, 'resource'],
  [statement({ Principal: '111122223333' }), 'bad-principal', `${S}.Principal`, 'resource'],
  [statement({ Principal: ['*'] }), 'wrong-type', `${S}.Principal`, 'resource'],
  [statement({ Principal: {} }), 'empty-list', `${S}.Principal`, 'resource'],
  [statement({ Principal: { AWS: [] } }), 'empty-list', `${S}.Principal.AWS`, 'resource'],
  [statement({ Principal: { AWS: 111122223333 } }), 'wrong-type', `${S}.Principal.AWS`, 'resource'],
  [statement({ Principal: { aws: '*' } }), 'unknown-element', `${S}.Principal.aws`, 'resource'],
  ...[
    '',
    '11112222333',
    '1111222233334',
    'arn:aws:iam::*:root',
    'arn:aws:iam::111122223333:user/*',
    'arn:aws:iam::111122223333:user/a?',
    'arn:aws:iam::111122223333:group/g',
    'arn:aws:iam::111122223333:user/',
    'arn:aws:sts::111122223333:assumed-role/shop',
    'arn:aws:sts::111122223333:assumed-role/shop/*',
    'alice',
  ].map((AWS) => [statement({ Principal: { AWS } }), 'bad-principal', `${S}.Principal.AWS`, 'resource'] as const),
  [
    statement({ Principal: { Service: ['s3.amazonaws.com', '*'] } }),
    'bad-principal',
    `${S}.Principal.Service[1]`,
    'resource',
  ],
  [statement({ Principal: { Service: 's3.example.com' } }), 'bad-principal', `${S}.Principal.Service`, 'resource'],
  [statement({ Principal: { Federated: '' } }), 'bad-principal', `${S}.Principal.Federated`, 'resource'],
  [statement({ Principal: '*' }), 'misplaced-element', `${S}.Resource`, 'trust'],
  [
    statement({ Effect: 'Deny', NotPrincipal: '*', Resource: undefined }),
    'misplaced-element',
    `${S}.NotPrincipal`,
    'trust',
  ],
  [statement({ Condition: { StringEqual: { 'a:b': 'c' } } }), 'bad-operator', `${S}.Condition.StringEqual.a:b`],
  [statement({ Condition: { Bool: { 'a:b': 'maybe' } } }), 'bad-value', `${S}.Condition.Bool.a:b`],
  [statement({ Condition: [] }), 'wrong-type', `${S}.Condition`],
]

function statement(elements: Record<string, unknown>): string {
  return JSON.stringify({ Statement: { ...IDENTITY, ...elements } })
}

function variable(Resource: string): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: { ...IDENTITY, Resource } })
}

function accepts(kind: PolicyKind, document: unknown): void {
  assert.equal(errorOf(JSON.stringify(document), kind), undefined, JSON.stringify(document))
}

function faultOf(text: string, kind: PolicyKind): { reason: string; place: string } | undefined {
  const error = errorOf(text, kind)
  return error && { reason: error.reason, place: error.place }
}

function errorOf(text: string, kind: PolicyKind): MalformedPolicyError | undefined {
  try {
    compilePolicy(text, { kind })
    return undefined
  } catch (error) {
    if (error instanceof MalformedPolicyError) return error
    throw error
  }
}
