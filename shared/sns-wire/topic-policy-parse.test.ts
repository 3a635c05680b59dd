import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { defaultTopicPolicy } from './default-policies.ts'
import { InvalidParameterError } from './errors.ts'
import { parseTopicPolicy, TOPIC_POLICY_ACTIONS } from './topic-policy-parse.ts'

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:orders'
const statement = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sns:Publish', Resource: TOPIC }
const NULL = 'Invalid parameter: Policy Error: null'
const OUT_OF_SCOPE = 'Invalid parameter: Policy statement action out of service scope!'
const NOT_FOUND = 'Invalid parameter: Policy Error: PrincipalNotFound'

suite('parseTopicPolicy()', () => {
  test('takes away white space and keeps order, case and the single statement', () => {
    const text = `{ "Statement" : { "Resource":"${TOPIC}", "Action": ["sns:Publish", "SNS:subscribe"], "Effect":"Deny", "Principal":"*" },\n "Version":"2012-10-17" }`
    assert.equal(
      parseTopicPolicy(text, TOPIC),
      `{"Statement":{"Resource":"${TOPIC}","Action":["sns:Publish","SNS:subscribe"],"Effect":"Deny","Principal":"*"},"Version":"2012-10-17"}`,
    )
  })

  test('turns account ids into the root of the account, one or several', () => {
    const root = (account: string) => `arn:aws:iam::${account}:root`
    const principalsOf = (AWS: unknown) =>
      JSON.parse(parse({ Statement: [{ ...statement, Principal: { AWS } }] })).Statement[0].Principal.AWS
    assert.equal(principalsOf('111111111111'), root('111111111111'))
    assert.deepEqual(principalsOf(['111111111111', root('222222222222')]), [root('111111111111'), root('222222222222')])
  })

  test('takes the default document, and the one of older tools that names Receive', () => {
    const text = defaultTopicPolicy(TOPIC, '000000000000')
    assert.equal(parseTopicPolicy(text, TOPIC), text)
    const older = text.replace('"SNS:Publish"]', '"SNS:Publish","SNS:Receive"]')
    assert.notEqual(older, text)
    assert.equal(parseTopicPolicy(older, TOPIC), older)
  })

  const accepted = [
    ['each action that has a topic', { Action: TOPIC_POLICY_ACTIONS.map((name) => `SNS:${name}`) }],
    ['a service', { Principal: { Service: 's3.amazonaws.com' } }],
    ['everybody', { Principal: '*' }],
    ['a user, a role, a session and the id of one that was deleted', { Principal: { AWS: principals() } }],
    ['200 principals', { Principal: { AWS: accounts(200) } }],
    ['a condition', { Condition: { StringEquals: { 'aws:SourceAccount': ['111111111111'] }, Bool: { a: true } } }],
    ['its ARN in a list', { Resource: [TOPIC] }],
  ] as const
  for (const [name, fields] of accepted) {
    test(`takes a statement with ${name}`, () => {
      const text = parse({ Version: '2012-10-17', Statement: [{ ...statement, ...fields }] })
      assert.equal(parseTopicPolicy(text, TOPIC), text)
    })
  }

  const refused = [
    ['another topic', { Resource: `${TOPIC}2` }, NULL],
    ['a wildcard for the topic', { Resource: '*' }, NULL],
    ['two resources', { Resource: [TOPIC, TOPIC] }, NULL],
    ['no resource', { Resource: undefined }, NULL],
    ['no action', { Action: [] }, NULL],
    ['an action of another service', { Action: 'sqs:SendMessage' }, OUT_OF_SCOPE],
    ['an action that has no topic', { Action: ['sns:Publish', 'sns:CreateTopic'] }, OUT_OF_SCOPE],
    ['a wildcard action', { Action: 'sns:*' }, OUT_OF_SCOPE],
    ['any action', { Action: '*' }, OUT_OF_SCOPE],
    ['a wildcard within an action', { Action: 'sns:Publis?' }, OUT_OF_SCOPE],
    ['NotAction', { Action: undefined, NotAction: 'sns:Publish' }, NULL],
    ['NotAction beside Action', { NotAction: 'sns:Publish' }, NULL],
    ['NotResource', { Resource: undefined, NotResource: TOPIC }, NULL],
    ['NotPrincipal', { Principal: undefined, NotPrincipal: { AWS: '*' } }, NULL],
    ['a misspelt key', { Principle: '*' }, NULL],
    ['no principal', { Principal: undefined }, NULL],
    ['an empty principal', { Principal: {} }, NULL],
    ['an empty list of principals', { Principal: { AWS: [] } }, NULL],
    ['201 principals', { Principal: { AWS: accounts(201) } }, NULL],
    ['a principal of an unknown kind', { Principal: { Aws: '*' } }, NULL],
    ['a principal that is none', { Principal: { AWS: 'ada' } }, NOT_FOUND],
    ['a wildcard within a principal', { Principal: { AWS: 'arn:aws:iam::*:root' } }, NOT_FOUND],
    ['a Sid that is no text', { Sid: 1 }, NULL],
    ['another Effect', { Effect: 'allow' }, NULL],
    ['a condition that nests', { Condition: { StringEquals: { a: [{ b: 'c' }] } } }, NULL],
    ['a condition that is a list', { Condition: [] }, NULL],
  ] as const
  for (const [name, fields, message] of refused) {
    test(`refuses a statement with ${name}`, () => {
      assert.throws(() => parse({ Statement: [{ ...statement, ...fields }] }), { code: 'INVALID_PARAMETER', message })
    })
  }

  test('takes 100 statements and refuses none and 101', () => {
    const of = (count: number) => ({ Statement: Array(count).fill({ ...statement, Principal: '*' }) })
    parse(of(100))
    for (const count of [0, 101]) assert.throws(() => parse(of(count)), { message: NULL })
  })

  test('takes 30,720 bytes and refuses one more, counted as sent', () => {
    const text = JSON.stringify({ Id: 'é', Statement: [statement] })
    const padded = (bytes: number) => text + ' '.repeat(bytes - Buffer.byteLength(text))
    parseTopicPolicy(padded(30_720), TOPIC)
    assert.throws(() => parseTopicPolicy(padded(30_721), TOPIC), { message: NULL })
  })

  test('refuses two statements of one Sid', () => {
    assert.throws(() => parse({ Statement: [statement, statement].map((one) => ({ ...one, Sid: 'a' })) }), {
      message: NULL,
    })
  })

  const documents = [
    '',
    '{',
    'null',
    '[]',
    '"a"',
    '{}',
    '{"Statement":null}',
    '{"Statement":[null]}',
    '['.repeat(30_000),
  ]
  for (const text of documents) {
    test(`refuses ${text.slice(0, 20) || 'nothing'}`, () => {
      assert.throws(() => parseTopicPolicy(text, TOPIC), { message: NULL })
    })
  }

  test('refuses or is idempotent, whatever it is given', () => {
    const any = fc.oneof(
      fc.json({ maxDepth: 4 }),
      fc.record({ Statement: fc.anything() }).map((one) => safe(one)),
    )
    fc.assert(
      fc.property(any, (text) => {
        try {
          const once = parseTopicPolicy(text, TOPIC)
          assert.equal(parseTopicPolicy(once, TOPIC), once)
        } catch (error) {
          assert.ok(error instanceof InvalidParameterError)
        }
      }),
    )
  })
})

function parse(document: object): string {
  return parseTopicPolicy(JSON.stringify(document), TOPIC)
}

function accounts(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `arn:aws:iam::${String(n).padStart(12, '0')}:root`)
}

function principals(): string[] {
  const account = '000000000000'
  return [
    `arn:aws:iam::${account}:user/teams/ada`,
    `arn:aws:iam::${account}:role/billing`,
    `arn:aws:sts::${account}:assumed-role/billing/ada`,
    'AIDACKCEVSQ6C2EXAMPLE',
  ]
}

function safe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
