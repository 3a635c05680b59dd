import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createFakeClock } from '#shared/clock'
import { BrokerError } from '#shared/errors'
import { compilePolicy } from '#shared/policy'
import type { Principal, Role } from '#shared/principals'
import { createSecretRing } from '#shared/record-mac'
import { decodeParameters, wireErrorOf, type XmlNode } from '#shared/sns-wire'
import { createFindSigner } from '#shared/sts'
import { createTestPrincipal } from '#shared/test-principals'
import type { ActionServices } from '../../action.ts'
import type { Caller } from '../../caller.ts'
import { assumeRole } from './assume-role.ts'

const ROLE_ARN = 'arn:aws:iam::000000000000:role/team/publisher'
const ADA = 'arn:aws:iam::000000000000:user/ada'
const STRANGER = 'arn:aws:iam::999999999999:user/eve'
// biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
const USER_NAME = '${aws:username}'
const POLICY = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}}'

suite('AssumeRole', () => {
  test('answers with credentials that sign as the session, whose end it tells', async () => {
    const { call, findSigner } = setup()
    const answer = await call({ DurationSeconds: '900' })
    assert.equal(answer.get('AssumedRoleUser.Arn'), 'arn:aws:sts::000000000000:assumed-role/publisher/session-1')
    assert.equal(answer.get('AssumedRoleUser.AssumedRoleId'), 'AROAAAAAAAAAAAAAAAAAA:session-1')
    assert.equal(answer.get('Credentials.Expiration'), '2026-01-01T00:15:00Z')
    assert.equal(answer.get('PackedPolicySize'), undefined)
    const accessKeyId = answer.get('Credentials.AccessKeyId') ?? ''
    assert.match(accessKeyId, /^ASIA[A-Z2-7]{16}$/)
    const signer = findSigner(accessKeyId, answer.get('Credentials.SessionToken'))
    assert.equal(signer?.secretAccessKey, answer.get('Credentials.SecretAccessKey'))
    assert.equal(signer?.principal.arn, answer.get('AssumedRoleUser.Arn'))
  })

  test('lasts an hour unless told', async () => {
    const answer = await setup().call({})
    assert.equal(answer.get('Credentials.Expiration'), '2026-01-01T01:00:00Z')
  })

  test('tells how much room policy and tags take', async () => {
    const answer = await setup().call({ Policy: POLICY })
    assert.equal(answer.get('PackedPolicySize'), '3')
  })

  suite('refuses what is wrong, in the words of STS', () => {
    const one = '1 validation error detected: '
    const cases: [name: string, parameters: Record<string, string | undefined>, code: string, text: string | RegExp][] =
      [
        [
          'no role',
          { RoleArn: undefined },
          'ValidationError',
          `${one}Value null at 'roleArn' failed to satisfy constraint: Member must not be null`,
        ],
        [
          'no name',
          { RoleSessionName: undefined },
          'ValidationError',
          `${one}Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null`,
        ],
        [
          'neither',
          { RoleArn: undefined, RoleSessionName: undefined },
          'ValidationError',
          /^2 validation errors detected: Value null at 'roleArn' .*; Value null at 'roleSessionName' /,
        ],
        [
          'a short ARN',
          { RoleArn: 'arn' },
          'ValidationError',
          `${one}Value 'arn' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20`,
        ],
        ['another ARN', { RoleArn: 'arn:aws:iam::000000000000:user/ada' }, 'ValidationError', 'Request ARN is invalid'],
        [
          'a name with a blank',
          { RoleSessionName: 'a b' },
          'ValidationError',
          `${one}Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*`,
        ],
        ['a name with a slash', { RoleSessionName: 'a/b' }, 'ValidationError', /roleSessionName/],
        ['a name with a line feed at its end', { RoleSessionName: 'ab\n' }, 'ValidationError', /roleSessionName/],
        ['a name of one character', { RoleSessionName: 'a' }, 'ValidationError', /length greater than or equal to 2$/],
        ['a long name', { RoleSessionName: 'a'.repeat(65) }, 'ValidationError', /length less than or equal to 64$/],
        [
          'a short time',
          { DurationSeconds: '899' },
          'ValidationError',
          `${one}Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900`,
        ],
        ['a long time', { DurationSeconds: '43201' }, 'ValidationError', /value less than or equal to 43200$/],
        ['no number', { DurationSeconds: '1e3' }, 'ValidationError', /durationSeconds/],
        [
          'more than the role lets',
          { DurationSeconds: '7201' },
          'ValidationError',
          'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
        ],
        [
          'a long policy',
          { Policy: ' '.repeat(2_049) },
          'ValidationError',
          /'\*\*\*' at 'policy' .*length less than or equal to 2048$/,
        ],
        ['an empty policy', { Policy: '' }, 'ValidationError', /'policy'/],
        ['a policy that is no JSON', { Policy: '{' }, 'MalformedPolicyDocument', 'This policy contains invalid Json'],
        [
          'a policy with a Principal',
          { Policy: POLICY.replace('"Effect"', '"Principal":"*","Effect"') },
          'MalformedPolicyDocument',
          'Syntax errors in policy.',
        ],
        [
          'managed policies',
          { 'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/X' },
          'InvalidParameter',
          /PolicyArns/,
        ],
        ['a second factor', { SerialNumber: 'x', TokenCode: '123456' }, 'InvalidParameter', /SerialNumber|TokenCode/],
        ['a short external id', { ExternalId: 'x' }, 'ValidationError', /'\*\*\*' at 'externalId'/],
        ['a tag without a value', { 'Tags.member.1.Key': 'a' }, 'ValidationError', /tags\.1\.member\.value/],
        ['a tag of AWS', { ...tag(1, 'aws:x', '') }, 'InvalidParameterValue', /reserved/],
        ['a tag twice', { ...tag(1, 'a', ''), ...tag(2, 'A', '') }, 'InvalidParameterValue', /^Duplicate tag keys/],
        [
          'a transitive key that is no tag',
          { 'TransitiveTagKeys.member.1': 'a' },
          'InvalidParameterValue',
          /must be included/,
        ],
        [
          '51 tags',
          Object.assign({}, ...Array.from({ length: 51 }, (_, n) => tag(n + 1, `k${n}`, ''))),
          'ValidationError',
          /'tags'/,
        ],
        [
          'more than fits',
          Object.assign({}, ...Array.from({ length: 17 }, (_, n) => tag(n + 1, `k${n}`, 'v'.repeat(256)))),
          'PackedPolicyTooLarge',
          /^Packed policy consumes 1\d\d% of allotted space/,
        ],
      ]
    for (const [name, parameters, code, text] of cases) {
      test(name, async () => {
        const refused = await setup().refusal(parameters)
        assert.equal(refused.code, code)
        if (typeof text === 'string') assert.equal(refused.message, text)
        else assert.match(refused.message, text)
      })
    }

    test('and nothing else, whatever is sent', async () => {
      const { call } = setup()
      const names = [
        'RoleArn',
        'RoleSessionName',
        'DurationSeconds',
        'Policy',
        'ExternalId',
        'SourceIdentity',
        'Tags.member.1.Key',
        'Tags.member.1.Value',
        'TransitiveTagKeys.member.1',
      ]
      await fc.assert(
        fc.asyncProperty(fc.dictionary(fc.constantFrom(...names), fc.string({ unit: 'grapheme' })), async (given) => {
          await call(given).catch((error: unknown) =>
            assert.ok(error instanceof BrokerError && error.fault === 'sender', String(error)),
          )
        }),
      )
    })
  })

  suite('asks the trust policy', () => {
    const denied = (who: string, permission = 'AssumeRole', arn = ROLE_ARN) => ({
      status: 403,
      code: 'AccessDenied',
      message: `User: ${who} is not authorized to perform: sts:${permission} on resource: ${arn}`,
      fault: 'sender',
    })

    test('and lets in whom it names, without an identity policy', async () => {
      await setup({ trust: [{ Principal: { AWS: ADA } }] }).call({})
    })

    test('and asks the identity policy too when it names the account', async () => {
      const trust = [{ Principal: { AWS: '000000000000' } }]
      assert.deepEqual(await setup({ trust }).refusal({}), denied(ADA))
      await setup({ trust, identity: [{ Action: 'sts:AssumeRole', Resource: ROLE_ARN }] }).call({})
      assert.deepEqual(
        await setup({
          trust,
          identity: [{ Action: 'sts:AssumeRole', Resource: 'arn:aws:iam::000000000000:role/x' }],
        }).refusal({}),
        denied(ADA),
      )
    })

    test('and wants both across accounts', async () => {
      const trust = [{ Principal: { AWS: STRANGER } }]
      const identity = [{ Action: 'sts:*', Resource: '*' }]
      assert.deepEqual(await setup({ trust, by: STRANGER }).refusal({}), denied(STRANGER))
      await setup({ trust, by: STRANGER, identity }).call({})
      assert.deepEqual(
        await setup({ trust: [{ Principal: { AWS: ADA } }], by: STRANGER, identity }).refusal({}),
        denied(STRANGER),
      )
    })

    test('and says of a role that does not exist what it says of one that does not trust', async () => {
      const RoleArn = `${ROLE_ARN}-that-is-none`
      assert.deepEqual(await setup().refusal({ RoleArn }), denied(ADA, 'AssumeRole', RoleArn))
    })

    test('and never lets in an account root', async () => {
      const by = 'arn:aws:iam::000000000000:root'
      const refused = await setup({ kind: 'root', by, trust: [{ Principal: { AWS: by } }] }).refusal({})
      assert.equal(refused.code, 'AccessDenied')
      assert.equal(refused.message, 'Roles may not be assumed by root accounts.')
    })

    test('with the external id as a condition', async () => {
      const Condition = { StringEquals: { 'sts:ExternalId': 'from-the-contract' } }
      const trust = [{ Principal: { AWS: ADA }, Condition }]
      await setup({ trust }).call({ ExternalId: 'from-the-contract' })
      assert.deepEqual(await setup({ trust }).refusal({ ExternalId: 'made-up' }), denied(ADA))
      assert.deepEqual(await setup({ trust }).refusal({}), denied(ADA))
    })

    test('with session name, address and transport as conditions', async () => {
      const trust = (Condition: object) => [{ Principal: { AWS: ADA }, Condition }]
      await setup({
        trust: trust({
          StringEquals: { 'sts:RoleSessionName': 'session-1' },
          IpAddress: { 'aws:SourceIp': '192.0.2.0/24' },
          Bool: { 'aws:SecureTransport': 'true' },
        }),
      }).call({})
      assert.deepEqual(
        await setup({ trust: trust({ StringEquals: { 'sts:RoleSessionName': USER_NAME } }) }).refusal({}),
        denied(ADA),
      )
      await setup({ trust: trust({ StringEquals: { 'sts:RoleSessionName': USER_NAME } }) }).call({
        RoleSessionName: 'ada',
      })
    })

    test('for sts:TagSession when there are tags, and for sts:SetSourceIdentity', async () => {
      const tags = { ...tag(1, 'team', 'billing') }
      assert.deepEqual(await setup().refusal(tags), denied(ADA, 'TagSession'))
      assert.deepEqual(await setup().refusal({ SourceIdentity: 'ada' }), denied(ADA, 'SetSourceIdentity'))
      const Action = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity']
      const trust = [
        { Principal: { AWS: ADA }, Action, Condition: { StringEqualsIfExists: { 'aws:RequestTag/team': 'billing' } } },
      ]
      const { call, findSigner } = setup({ trust })
      const answer = await call({ ...tags, SourceIdentity: 'ada' })
      assert.equal(answer.get('SourceIdentity'), 'ada')
      const signer = findSigner(answer.get('Credentials.AccessKeyId') ?? '', answer.get('Credentials.SessionToken'))
      assert.deepEqual([...(signer?.principal.tags ?? [])], [['team', 'billing']])
      assert.deepEqual(await setup({ trust }).refusal(tag(1, 'team', 'other')), denied(ADA))
    })
  })

  suite('called by a session', () => {
    const by = 'arn:aws:sts::000000000000:assumed-role/first/ada'
    const Action = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity']
    const trust = [{ Principal: { AWS: 'arn:aws:iam::000000000000:role/first' }, Action }]
    const chained = { kind: 'role-session', by, trust } as const

    test('lasts no longer than an hour', async () => {
      await setup(chained).call({ DurationSeconds: '3600' })
      assert.deepEqual(await setup(chained).refusal({ DurationSeconds: '3601' }), {
        status: 400,
        code: 'ValidationError',
        message: 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
        fault: 'sender',
      })
    })

    test('hands on transitive tags and source identity, which cannot be changed', async () => {
      const session = { tags: { Team: 'billing', task: 'x' }, transitiveTagKeys: ['team'], sourceIdentity: 'ada' }
      const { call, findSigner, refusal } = setup({ ...chained, session })
      const answer = await call(tag(1, 'task', 'y'))
      const signer = findSigner(answer.get('Credentials.AccessKeyId') ?? '', answer.get('Credentials.SessionToken'))
      assert.deepEqual(signer?.session?.tags, { Team: 'billing', task: 'y' })
      assert.deepEqual(signer?.session?.transitiveTagKeys, ['Team'])
      assert.equal(signer?.session?.sourceIdentity, 'ada')
      assert.equal((await refusal(tag(1, 'TEAM', 'other'))).code, 'InvalidParameterValue')
      assert.equal((await refusal({ SourceIdentity: 'eve' })).code, 'AccessDenied')
    })
  })

  test('counts the tags that a session hands on among the fifty of the next', async () => {
    const keys = Array.from({ length: 49 }, (_, n) => `t${n}`)
    const session = { tags: Object.fromEntries(keys.map((key) => [key, ''])), transitiveTagKeys: keys }
    const trust = [{ Principal: { AWS: ADA }, Action: ['sts:AssumeRole', 'sts:TagSession'] }]
    await setup({ session, trust }).call(tag(1, 'a', ''))
    const refusal = await setup({ session, trust }).refusal({ ...tag(1, 'a', ''), ...tag(2, 'b', '') })
    assert.equal(refusal.code, 'InvalidParameterValue')
  })

  test('gives no secret away over plain HTTP', async () => {
    assert.equal((await setup({ secure: false }).refusal({})).code, 'InvalidSecurity')
  })
})

function tag(index: number, key: string, value: string): Record<string, string> {
  return { [`Tags.member.${index}.Key`]: key, [`Tags.member.${index}.Value`]: value }
}

interface Setup {
  kind?: Principal['kind']
  by?: string
  trust?: readonly object[]
  identity?: readonly object[]
  session?: Caller['session']
  secure?: boolean
}

function setup(o: Setup = {}) {
  const clock = createFakeClock()
  const secrets = createSecretRing('0000000a', new Map([['0000000a', createSecretKey(Buffer.alloc(32, 1))]]))
  const { kind = 'user', by = ADA, trust = [{ Principal: { AWS: ADA } }], identity = [], secure = true } = o
  const compile = (statements: readonly object[], as: 'trust' | 'identity') => {
    const Statement = statements.map((statement) => ({ Effect: 'Allow', Action: 'sts:AssumeRole', ...statement }))
    return compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement }), { kind: as })
  }
  const role: Role = {
    arn: ROLE_ARN,
    account: '000000000000',
    roleId: 'AROAAAAAAAAAAAAAAAAAA',
    trustPolicy: compile(trust, 'trust'),
    policies: [],
    maxSessionSeconds: 7_200,
    tags: new Map(),
    version: '1',
  }
  const findRole = (arn: string) => (arn === ROLE_ARN ? role : undefined)
  const principal = createTestPrincipal({
    kind,
    arn: by,
    ...(kind === 'role-session' ? { roleArn: 'arn:aws:iam::000000000000:role/first' } : {}),
    policies: identity.length === 0 ? [] : [{ name: 'own', policy: compile(identity, 'identity') }],
  })
  const caller: Caller = {
    principal,
    region: 'us-east-1',
    sourceIp: '192.0.2.1',
    secure,
    ...(o.session === undefined ? {} : { session: o.session }),
  }
  const services = { sts: { findRole, secrets }, clock } as unknown as ActionServices
  const call = async (given: Record<string, string | undefined>): Promise<ReadonlyMap<string, string>> => {
    const query = Object.entries({ RoleArn: ROLE_ARN, RoleSessionName: 'session-1', ...given })
      .filter(([, value]) => value !== undefined)
      .map(([name, value = '']) => `${name}=${encodeURIComponent(value)}`)
    const parameters = decodeParameters({ query: query.join('&'), body: Buffer.alloc(0), hasFormBody: false })
    if (assumeRole.signature !== 'required') throw new Error('AssumeRole needs a signature')
    return new Map(flatten('', (await assumeRole.run({ parameters, caller }, services)) ?? ''))
  }
  return {
    call,
    refusal: (given: Record<string, string | undefined>) =>
      call(given).then(() => assert.fail('was not refused'), wireErrorOf),
    findSigner: createFindSigner({ principals: { findByAccessKey: () => undefined, findRole }, secrets, clock }),
  }
}

function flatten(path: string, node: XmlNode): [string, string][] {
  if (typeof node === 'string') return [[path, node]]
  return node.flatMap(([name, child]) => flatten(path === '' ? name : `${path}.${name}`, child))
}
