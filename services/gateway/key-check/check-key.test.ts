import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Topic } from '#shared/catalog'
import { createFakeClock } from '#shared/clock'
import { type ExplainKeyAccess, type KeyAccess, KmsUnavailableError } from '#shared/kms-client'
import { compilePolicy, type Decision } from '#shared/policy'
import type { Principal } from '#shared/principals'
import { createTestPrincipal } from '#shared/test-principals'
import { askIdentityPolicies } from './ask-identity-policies.ts'
import { askLocalKms } from './ask-local-kms.ts'
import { createCheckKey } from './check-key.ts'

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:orders'
const KEY = 'arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const PUBLISH = { Effect: 'Allow', Action: 'sns:Publish', Resource: '*' }
const USE = { Effect: 'Allow', Action: ['kms:GenerateDataKey*', 'kms:Decrypt'], Resource: KEY }
const NO: Decision = { allowed: false, reason: 'no-resource-allow', lacks: ['resource'] }
const YES: Decision = { allowed: true, by: { source: 'resource', index: 0 } }

suite('checkKey() with the local KMS', () => {
  test('finds a key usable when the second of three who may publish may use it, and asks no further', async () => {
    const { check, asked } = setup({ users: ['a', 'b', 'c'].map((name) => user(name, [PUBLISH])), allowed: ['b'] })
    assert.deepEqual(await check(), { kind: 'usable' })
    assert.deepEqual(asked, ['a', 'b'])
  })

  test('looks at who gave the key first', async () => {
    const users = ['a', 'b', 'c'].map((name) => user(name, [PUBLISH]))
    const { check, asked } = setup({ users, allowed: ['c'] })
    assert.deepEqual(await check({ principal: arnOf('c') }), { kind: 'usable' })
    assert.deepEqual(asked, ['c'])
  })

  test('calls a key unusable that nobody who may publish may use, and asks about nobody else', async () => {
    const { check, asked } = setup({ users: [user('a', [PUBLISH]), user('stranger', [])], allowed: ['stranger'] })
    assert.partialDeepStrictEqual(await check(), { kind: 'unusable', reason: 'nobody' })
    assert.deepEqual(asked, ['a'])
  })

  for (const [state, reason] of [
    ['Disabled', 'disabled'],
    ['PendingDeletion', 'pending-deletion'],
    ['PendingImport', 'unavailable'],
    ['missing', 'missing'],
  ] as const) {
    test(`calls a key unusable that is ${state}, whoever may publish`, async () => {
      for (const statements of [[PUBLISH], []]) {
        const { check } = setup({ users: [user('a', statements)], state })
        assert.partialDeepStrictEqual(await check(), { kind: 'unusable', reason })
      }
    })
  }

  const NOT_CERTAIN: readonly [string, Parameters<typeof setup>[0]][] = [
    ['nobody may publish', { users: [user('a', [])] }],
    ['there is nobody', { users: [] }],
    ['KMS does not answer', { users: [user('a', [PUBLISH])], failure: new KmsUnavailableError('down') }],
    [
      'the address may decide',
      { users: [user('a', [PUBLISH, { ...USE, Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } }])] },
    ],
    [
      'a tag of a session may decide',
      {
        users: [user('r', [PUBLISH], { kind: 'role-session', roleArn: arnOf('r') })],
        keyPolicy: [{ ...USE, Principal: '*', Condition: { StringEquals: { 'aws:PrincipalTag/team': 'shop' } } }],
      },
    ],
    [
      'the key policy names one session',
      {
        users: [user('r', [PUBLISH], { kind: 'role-session', roleArn: arnOf('r') })],
        keyPolicy: [{ ...USE, Principal: { AWS: 'arn:aws:sts::000000000000:assumed-role/r/monday' } }],
      },
    ],
    [
      'the source of a service may decide',
      {
        users: [service('s3.amazonaws.com')],
        keyPolicy: [{ ...USE, Principal: '*', Condition: { StringEquals: { 'aws:SourceAccount': '000000000000' } } }],
      },
    ],
    ['more may publish than are asked about', { users: crowd(101) }],
    ['there are more than are looked at', { users: [user('a', [PUBLISH]), ...crowd(10_000, [])] }],
  ]
  for (const [what, o] of NOT_CERTAIN) {
    test(`does not know when ${what}`, async () => {
      assert.deepEqual(await setup(o).check(), { kind: 'unknown' })
    })
  }

  test('is certain of 10,000 who were looked at, and lets others have their turn meanwhile', async (t) => {
    const { check, asked } = setup({ users: [...crowd(9_900, []), ...crowd(100)] })
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    const startedAt = performance.now()
    assert.partialDeepStrictEqual(await check(), { kind: 'unusable', reason: 'nobody' })
    clearInterval(timer)
    assert.equal(asked.length, 100)
    assert.ok(turns > 0)
    t.diagnostic(`10,000 principals in ${(performance.now() - startedAt).toFixed(0)} ms, ${turns} turns of a timer`)
  })

  test('ends when it is told to', async () => {
    const { check } = setup({ users: crowd(100) })
    assert.deepEqual(await check({}, AbortSignal.abort()), { kind: 'unknown' })
  })

  test('tells nothing of a topic that has another key by now', async () => {
    const { check } = setup({ users: crowd(1), key: 'alias/other' })
    assert.equal(await check(), undefined)
  })
})

suite('checkKey() with AWS KMS', () => {
  for (const [what, users, expected] of [
    [
      'finds a key usable as far as identity policies can tell',
      [user('a', [PUBLISH]), user('b', [PUBLISH, USE])],
      'usable',
    ],
    [
      'calls a key unusable that no identity policy lets anybody use',
      [user('a', [PUBLISH]), user('b', [USE])],
      'unusable',
    ],
    [
      'does not know what a role may do that the broker takes on',
      [user('a', [PUBLISH], { kmsRoleArn: arnOf('r') })],
      'unknown',
    ],
  ] as const) {
    test(what, async () => {
      assert.equal((await setup({ users, aws: true }).check())?.kind, expected)
    })
  }

  test('does not know a key that is not named by its ARN', async () => {
    const { check } = setup({ users: [user('a', [PUBLISH])], key: 'alias/app', aws: true })
    assert.deepEqual(await check({ keyId: 'alias/app' }), { kind: 'unknown' })
  })
})

function setup(o: {
  users: readonly Principal[]
  /** Names of who may use the key. */
  allowed?: readonly string[]
  state?: string
  keyPolicy?: readonly object[]
  key?: string
  failure?: Error
  aws?: boolean
}) {
  const asked: string[] = []
  const keyPolicy = document(o.keyPolicy ?? [{ ...USE, Principal: { AWS: arnOf('somebody') } }])
  const explain: ExplainKeyAccess = async ({ principal }) => {
    const name = principal.split('/').at(-1) ?? ''
    asked.push(name)
    if (o.failure !== undefined) throw o.failure
    if (o.state === 'missing') return { kind: 'missing' }
    const decision = o.allowed?.includes(name) ? YES : NO
    const decisions: KeyAccess['decisions'] = [
      { permission: 'GenerateDataKey', rule: 'own', decision },
      { permission: 'Decrypt', rule: 'own', decision },
      { permission: 'Decrypt', rule: 'accepted', decision: YES },
    ]
    return { kind: 'key', keyArn: KEY, keyState: o.state ?? 'Enabled', keyPolicy, decisions }
  }
  const clock = createFakeClock(0)
  const topic = { arn: TOPIC, owner: '000000000000', attributes: { kmsMasterKeyId: o.key ?? KEY } }
  const check = createCheckKey({
    catalog: { readTopic: async () => ({ topic: topic as Topic }) as never },
    principals: { all: () => o.users, findPrincipal: (arn) => o.users.find((one) => one.arn === arn) },
    question: o.aws ? askIdentityPolicies(clock) : askLocalKms(explain),
    clock,
  })
  const key = { topicArn: TOPIC, keyId: KEY, principal: arnOf('nobody') }
  return {
    asked,
    check: (change: Partial<typeof key> = {}, signal = new AbortController().signal) =>
      check({ ...key, ...change }, signal),
  }
}

function user(name: string, statements: readonly object[], o: Partial<Principal> = {}): Principal {
  const policy = compilePolicy(document(statements.length === 0 ? [{ ...PUBLISH, Action: 'sns:List*' }] : statements), {
    kind: 'identity',
  })
  return createTestPrincipal({ arn: arnOf(name), policies: [{ name: 'own', policy }], ...o })
}

function service(name: string): Principal {
  return createTestPrincipal({ kind: 'service', arn: name, account: 'aws' })
}

function crowd(count: number, statements: readonly object[] = [PUBLISH]): Principal[] {
  const one = user('one', statements)
  return Array.from({ length: count }, (_, n) => ({ ...one, arn: arnOf(`u${n}`) }))
}

function arnOf(name: string): string {
  return `arn:aws:iam::000000000000:user/${name}`
}

function document(statements: readonly object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements })
}
