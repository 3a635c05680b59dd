/** Publishers of sealed topics for `sealcast preflight`: roles, services, and users who reach the key in some other way. */

export const OWN = '000000000000'
export const OTHER = '111122223333'
export const SERVICE = 's3.amazonaws.com'

/** For whom a service acts. */
export interface Source {
  readonly arn: string
  readonly account: string
}

export interface SetUp {
  readonly name: string
  readonly publisher: 'user' | 'role' | 'service'
  /** Identity policy. A service has none. */
  readonly identity?: readonly object[]
  readonly source?: Source
  readonly topic?: (o: Names) => readonly object[]
  /** Besides that the account's identity policies count. */
  readonly key?: (o: Names) => readonly object[]
  readonly grant?: { readonly operations: readonly ('GenerateDataKey' | 'Decrypt')[]; readonly ofAnotherTopic?: true }
  readonly keyOf?: typeof OWN | typeof OTHER
  readonly keyState?: 'Disabled' | 'PendingDeletion'
  /** How the topic names its key; its ARN unless given. */
  readonly named?: 'alias' | 'alias of nothing'
  /** What the publisher gets. */
  readonly outcome: string
}

interface Names {
  readonly topicArn: string
  /** Of user or role. */
  readonly publisherArn: string
}

const KEY_ACTIONS = ['kms:GenerateDataKey*', 'kms:Decrypt']
const BUCKET = 'arn:aws:s3:::pictures'
const OURS: Source = { arn: BUCKET, account: OWN }
/** Buckets are named by whoever comes first: that of another account, and one that it took over by its name. */
const FOREIGN: Source = { arn: 'arn:aws:s3:::others', account: '999988887777' }
const OF_OURS = { Condition: { ArnEquals: { 'aws:SourceArn': BUCKET }, StringEquals: { 'aws:SourceAccount': OWN } } }
const BY_SERVICE = { Principal: { Service: SERVICE } }

const allow = (Action: string | string[], rest: object = {}) => ({ Effect: 'Allow', Action, Resource: '*', ...rest })
const MAY_PUBLISH = [allow('sns:Publish')]
const MAY_ALL = [allow('*')]

const toService = (o: object) => [allow(KEY_ACTIONS, { ...BY_SERVICE, ...o })]
const fromService =
  (o: object) =>
  ({ topicArn }: Names) => [{ ...allow('sns:Publish', { ...BY_SERVICE, ...o }), Resource: topicArn }]
const toPublisher = ({ publisherArn }: Names) => [allow(KEY_ACTIONS, { Principal: { AWS: publisherArn } })]
const notToPublisher = ({ publisherArn }: Names) => [
  { Effect: 'Deny', Action: 'kms:Decrypt', Resource: '*', Principal: { AWS: publisherArn } },
]
const toOwnAccount = () => [allow(KEY_ACTIONS, { Principal: { AWS: `arn:aws:iam::${OWN}:root` } })]

const ROLES: readonly Omit<SetUp, 'publisher'>[] = [
  { name: 'a role by its identity policy', identity: [allow(['sns:Publish', ...KEY_ACTIONS])], outcome: 'ok' },
  { name: 'a role by the key policy', identity: MAY_PUBLISH, key: toPublisher, outcome: 'ok' },
  { name: 'a role without the key', identity: MAY_PUBLISH, outcome: 'KMSAccessDenied' },
  { name: 'a role that the key policy denies', identity: MAY_ALL, key: notToPublisher, outcome: 'KMSAccessDenied' },
  { name: 'a role without publish', identity: [allow(KEY_ACTIONS)], outcome: 'AuthorizationError' },
  { name: 'a role, the key disabled', identity: MAY_ALL, keyState: 'Disabled', outcome: 'KMSDisabled' },
]

const SERVICES: readonly Omit<SetUp, 'publisher'>[] = [
  {
    name: 'a service for the source that both policies name',
    source: OURS,
    topic: fromService(OF_OURS),
    key: () => toService(OF_OURS),
    outcome: 'ok',
  },
  {
    name: 'a service for another bucket',
    source: { ...OURS, arn: FOREIGN.arn },
    topic: fromService(OF_OURS),
    key: () => toService(OF_OURS),
    outcome: 'AuthorizationError',
  },
  {
    name: 'a service for our bucket in the name of another account',
    source: { ...OURS, account: FOREIGN.account },
    topic: fromService(OF_OURS),
    key: () => toService(OF_OURS),
    outcome: 'AuthorizationError',
  },
  {
    name: 'a service for a source that the key policy does not name',
    source: FOREIGN,
    topic: fromService({}),
    key: () => toService(OF_OURS),
    outcome: 'KMSAccessDenied',
  },
  {
    name: 'a service that the key policy does not name',
    source: OURS,
    topic: fromService(OF_OURS),
    outcome: 'KMSAccessDenied',
  },
  {
    name: 'a service, the key pending deletion',
    source: OURS,
    topic: fromService(OF_OURS),
    key: () => toService(OF_OURS),
    keyState: 'PendingDeletion',
    outcome: 'KMSInvalidState',
  },
]

const USERS: readonly Omit<SetUp, 'publisher'>[] = [
  {
    name: 'a grant alone',
    identity: MAY_PUBLISH,
    grant: { operations: ['GenerateDataKey', 'Decrypt'] },
    outcome: 'ok',
  },
  {
    name: 'a grant of GenerateDataKey alone',
    identity: MAY_PUBLISH,
    grant: { operations: ['GenerateDataKey'] },
    outcome: 'KMSAccessDenied',
  },
  {
    name: 'a grant for another topic',
    identity: MAY_PUBLISH,
    grant: { operations: ['GenerateDataKey', 'Decrypt'], ofAnotherTopic: true },
    outcome: 'KMSAccessDenied',
  },
  { name: 'an alias', identity: MAY_PUBLISH, key: toPublisher, named: 'alias', outcome: 'ok' },
  { name: 'an alias of a key not allowed', identity: MAY_PUBLISH, named: 'alias', outcome: 'KMSAccessDenied' },
  {
    name: 'an alias of a disabled key',
    identity: MAY_ALL,
    named: 'alias',
    keyState: 'Disabled',
    outcome: 'KMSDisabled',
  },
  { name: 'an alias of nothing', identity: MAY_ALL, named: 'alias of nothing', outcome: 'KMSNotFound' },
  {
    name: 'the key of another account, both sides allowing',
    keyOf: OTHER,
    identity: MAY_ALL,
    key: toOwnAccount,
    outcome: 'ok',
  },
  {
    name: 'the key of another account, which does not allow it',
    keyOf: OTHER,
    identity: MAY_ALL,
    outcome: 'KMSAccessDenied',
  },
  {
    name: 'the key of another account, which allows the user, without an identity policy',
    keyOf: OTHER,
    identity: MAY_PUBLISH,
    key: toPublisher,
    outcome: 'KMSAccessDenied',
  },
  { name: 'a disabled key', identity: MAY_ALL, keyState: 'Disabled', outcome: 'KMSDisabled' },
  { name: 'a key pending deletion', identity: MAY_ALL, keyState: 'PendingDeletion', outcome: 'KMSInvalidState' },
]

export const SET_UPS: readonly SetUp[] = [
  ...ROLES.map((one) => ({ ...one, publisher: 'role' as const })),
  ...SERVICES.map((one) => ({ ...one, publisher: 'service' as const })),
  ...USERS.map((one) => ({ ...one, publisher: 'user' as const })),
]
