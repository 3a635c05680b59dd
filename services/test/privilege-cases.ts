/** Traps of policies, as tables: what an attacker would hope that a policy allows, and what its author meant. */

import type { PolicyDocuments } from '#shared/principals'

export const OURS = '000000000000'
export const THEM = '111111111111'

interface IdentityCase {
  readonly what: string
  readonly statements: readonly object[]
  readonly version?: string
  readonly tags?: Readonly<Record<string, string>>
  /** Names of the topics `orders`, `orders-eu` and `Orders` to which it publishes; to the others it must not. */
  readonly publishesTo: readonly string[]
}

export const TOPICS = ['orders', 'orders-eu', 'Orders'] as const

const topic = (name: string) => `arn:aws:sns:us-east-1:${OURS}:${name}`
const allow = (Resource: string | readonly string[], Action = 'sns:Publish') => ({ Effect: 'Allow', Action, Resource })
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of policies
const OF_TEAM = topic('${aws:PrincipalTag/team}')

/** One user each, of the topics' account. */
export const IDENTITY_CASES: readonly IdentityCase[] = [
  { what: 'a name without a wildcard', statements: [allow(topic('orders'))], publishesTo: ['orders'] },
  { what: 'a star at the end', statements: [allow(topic('orders*'))], publishesTo: ['orders', 'orders-eu'] },
  { what: 'a star for the account', statements: [allow('arn:aws:sns:*:*:orders')], publishesTo: ['orders'] },
  { what: 'a question mark', statements: [allow(topic('?rders'))], publishesTo: ['orders', 'Orders'] },
  { what: 'another account', statements: [allow(`arn:aws:sns:us-east-1:${THEM}:*`)], publishesTo: [] },
  { what: 'the action in capitals', statements: [allow(topic('orders'), 'SNS:PUBLISH')], publishesTo: ['orders'] },
  { what: 'an action that begins like it', statements: [allow('*', 'sns:PublishBatch')], publishesTo: [] },
  { what: 'a wildcard that is no action', statements: [allow('*', 'sns:*Topic*')], publishesTo: [] },
  {
    what: 'NotAction',
    statements: [{ Effect: 'Allow', NotAction: 'sns:PUBLISH', Resource: '*' }],
    publishesTo: [],
  },
  {
    what: 'NotResource',
    statements: [{ Effect: 'Allow', Action: 'sns:*', NotResource: topic('orders*') }],
    publishesTo: ['Orders'],
  },
  {
    what: 'a Deny with NotResource',
    statements: [allow('*'), { Effect: 'Deny', Action: '*', NotResource: topic('orders') }],
    publishesTo: ['orders'],
  },
  {
    what: 'a Deny with NotAction',
    statements: [allow('*', '*'), { Effect: 'Deny', NotAction: 'kms:*', Resource: '*' }],
    publishesTo: [],
  },
  { what: 'a variable', statements: [allow(OF_TEAM)], tags: { Team: 'orders' }, publishesTo: ['orders'] },
  { what: 'a variable that is a star', statements: [allow(OF_TEAM)], tags: { team: '*' }, publishesTo: [] },
  { what: 'a variable with a star', statements: [allow(OF_TEAM)], tags: { team: 'orders*' }, publishesTo: [] },
  { what: 'a variable with question marks', statements: [allow(OF_TEAM)], tags: { team: '??????' }, publishesTo: [] },
  {
    what: 'a variable that names a variable',
    statements: [allow(OF_TEAM)],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of policies
    tags: { team: '${*}', other: 'orders' },
    publishesTo: [],
  },
  { what: 'a variable that is absent', statements: [allow(OF_TEAM)], publishesTo: [] },
  {
    what: 'a variable in a document of the version without them',
    version: '2008-10-17',
    statements: [allow(OF_TEAM)],
    tags: { team: 'orders' },
    publishesTo: [],
  },
  {
    what: 'a condition with a variable that is a star',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of policies
    statements: [{ ...allow('*'), Condition: { StringLike: { 'aws:username': '${aws:PrincipalTag/team}' } } }],
    tags: { team: '*' },
    publishesTo: [],
  },
  {
    what: 'a source that only services have',
    statements: [{ ...allow('*'), Condition: { StringLike: { 'aws:SourceArn': '*' } } }],
    publishesTo: [],
  },
]

export function documentOf({ statements, version = '2012-10-17' }: IdentityCase): PolicyDocuments {
  return { trap: { Version: version, Statement: statements } }
}

interface AccountCase {
  readonly what: string
  /** Without Resource. */
  readonly statements: readonly object[]
  /** Which of them publish: `admin` may do everything in its own account, `bare` has no policy. */
  readonly allows: readonly ('admin' | 'bare')[]
}

const publishing = { Effect: 'Allow', Action: 'SNS:Publish' }
const user = (name: string, account = THEM) => ({ AWS: `arn:aws:iam::${account}:user/${name}` })

/** Topic policies, for two users of another account. */
export const ACCOUNT_CASES: readonly AccountCase[] = [
  { what: 'names nobody of theirs', statements: [{ ...publishing, Principal: { AWS: OURS } }], allows: [] },
  { what: 'names their account', statements: [{ ...publishing, Principal: { AWS: THEM } }], allows: ['admin'] },
  { what: 'names a user', statements: [{ ...publishing, Principal: user('admin') }], allows: ['admin'] },
  { what: 'names one without permissions', statements: [{ ...publishing, Principal: user('bare') }], allows: [] },
  { what: 'names our user of the name', statements: [{ ...publishing, Principal: user('bare', OURS) }], allows: [] },
  { what: 'names everybody', statements: [{ ...publishing, Principal: '*' }], allows: ['admin'] },
  {
    what: 'names everybody of our account',
    statements: [{ ...publishing, Principal: '*', Condition: { StringEquals: { 'aws:PrincipalAccount': OURS } } }],
    allows: [],
  },
  {
    what: 'names everybody whose ARN ends like one of ours',
    statements: [
      { ...publishing, Principal: '*', Condition: { ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${OURS}:*admin` } } },
    ],
    allows: [],
  },
  {
    what: 'allows their account and denies the user',
    statements: [
      { ...publishing, Principal: { AWS: THEM } },
      { ...publishing, Effect: 'Deny', Principal: user('admin') },
    ],
    allows: [],
  },
  {
    what: 'allows them another action',
    statements: [{ ...publishing, Action: 'SNS:Subscribe', Principal: '*' }],
    allows: [],
  },
]
