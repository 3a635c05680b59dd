import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { createTestPrincipal } from '#shared/test-principals'
import { createConditionContext, isOfRequest, type TopicCaller } from './condition-context.ts'

const USER = 'arn:aws:iam::000000000000:user/teams/ada'
const ROLE = 'arn:aws:iam::000000000000:role/teams/billing'
const SESSION = 'arn:aws:sts::000000000000:assumed-role/billing/monday'
const TOPIC_OF = 'arn:aws:s3:::photos'

suite('createConditionContext()', () => {
  const cases: readonly [string, Partial<TopicCaller>, Readonly<Record<string, string | undefined>>][] = [
    [
      'a user',
      { principal: createTestPrincipal({ arn: USER, userId: 'AIDAADA', organizationId: 'o-abc' }), userAgent: 'cli/2' },
      {
        'aws:currenttime': '2026-11-24T12:00:00Z',
        'aws:epochtime': '1795521600',
        'aws:principalaccount': '000000000000',
        'aws:principalarn': USER,
        'aws:principalisawsservice': 'false',
        'aws:principalorgid': 'o-abc',
        'aws:principalservicename': undefined,
        'aws:principaltype': 'User',
        'aws:requestedregion': 'us-east-1',
        'aws:resourceaccount': '111111111111',
        'aws:securetransport': 'true',
        'aws:sourceaccount': undefined,
        'aws:sourcearn': undefined,
        'aws:sourceip': '192.0.2.7',
        'aws:sourceowner': undefined,
        'aws:userid': 'AIDAADA',
        'aws:useragent': 'cli/2',
        'aws:username': 'ada',
        'aws:tokenissuetime': undefined,
        'aws:viaawsservice': 'false',
        'sns:endpoint': 'https://example.com/hook',
        'sns:protocol': 'https',
        'aws:nonsense': undefined,
      },
    ],
    [
      'a session',
      {
        principal: createTestPrincipal({
          kind: 'role-session',
          arn: SESSION,
          roleArn: ROLE,
          userId: 'AROA:monday',
          tokenIssuedAt: 1_795_521_600,
        }),
      },
      {
        'aws:principalarn': ROLE,
        'aws:principaltype': 'AssumedRole',
        'aws:tokenissuetime': '2026-11-24T12:00:00Z',
        'aws:userid': 'AROA:monday',
        'aws:username': undefined,
        'aws:useragent': undefined,
        'aws:principalorgid': undefined,
      },
    ],
    [
      'a root',
      {
        principal: createTestPrincipal({ kind: 'root', arn: 'arn:aws:iam::000000000000:root', userId: '000000000000' }),
      },
      { 'aws:principaltype': 'Account', 'aws:username': undefined, 'aws:userid': '000000000000' },
    ],
    [
      'a service',
      {
        principal: createTestPrincipal({ kind: 'service', arn: 's3.amazonaws.com', account: 'aws' }),
        source: { arn: TOPIC_OF, account: '222222222222' },
      },
      {
        'aws:principalaccount': undefined,
        'aws:principalarn': undefined,
        'aws:principalisawsservice': 'true',
        'aws:principalservicename': 's3.amazonaws.com',
        'aws:principaltype': undefined,
        'aws:sourceaccount': '222222222222',
        'aws:sourcearn': TOPIC_OF,
        'aws:sourceip': undefined,
        'aws:sourceowner': '222222222222',
        'aws:userid': undefined,
      },
    ],
  ]
  for (const [name, caller, expected] of cases) {
    test(`knows of ${name} what policies may ask`, () => {
      const { context } = setup(caller)
      const found = Object.fromEntries(Object.keys(expected).map((key) => [key, context.get(key)]))
      assert.deepEqual(found, expected)
    })
  }

  test('gives a tag of the principal by its key in any case', () => {
    const tags = new Map([['Team', 'billing']])
    const { context } = setup({ principal: createTestPrincipal({ arn: USER, tags }) })
    assert.equal(context.get('aws:principaltag/team'), 'billing')
    assert.equal(context.get('aws:principaltag/other'), undefined)
  })

  test('tells one time, however long it is asked', () => {
    const { context, clock } = setup({})
    const first = context.get('aws:currenttime')
    clock.advance(60_000)
    assert.equal(context.get('aws:currenttime'), first)
  })
})

suite('isOfRequest()', () => {
  test('is true for whatever may differ from request to request, and for keys that are not known', () => {
    for (const key of ['aws:sourceip', 'aws:currenttime', 'aws:useragent', 'sns:endpoint', 'aws:nonsense', '']) {
      assert.ok(isOfRequest(key, 'user'), key)
    }
  })

  test('is false for what belongs to the principal', () => {
    for (const key of ['aws:principalarn', 'aws:principaltag/team', 'aws:principalorgid', 'aws:userid']) {
      assert.ok(!isOfRequest(key, 'user'), key)
    }
  })

  test('is true for the source of a service alone', () => {
    for (const key of ['aws:sourcearn', 'aws:sourceaccount', 'aws:sourceowner']) {
      assert.ok(!isOfRequest(key, 'role-session'), key)
      assert.ok(isOfRequest(key, 'service'), key)
    }
  })
})

function setup(o: Partial<TopicCaller>) {
  const clock = createFakeClock(Date.UTC(2026, 10, 24, 12, 0, 0, 123))
  const caller: TopicCaller = {
    principal: createTestPrincipal({ arn: USER }),
    region: 'us-east-1',
    sourceIp: '192.0.2.7',
    secure: true,
    ...o,
  }
  const wanted = { protocol: 'https', endpoint: 'https://example.com/hook' }
  return { clock, context: createConditionContext({ caller, resourceAccount: '111111111111', wanted, clock }) }
}
