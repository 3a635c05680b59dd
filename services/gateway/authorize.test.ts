import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AuditNotes } from '#shared/audit'
import type { Topic } from '#shared/catalog'
import { createFakeClock } from '#shared/clock'
import { compilePolicy } from '#shared/policy'
import type { Principal } from '#shared/principals'
import { createTestPrincipal } from '#shared/test-principals'
import { AUTHORIZATION, type AuthorizedAction } from '#shared/topic-access'
import { createAuthorize } from './authorize.ts'
import type { Caller } from './caller.ts'

const US = '000000000000'
const THEM = '111111111111'
const TOPIC = `arn:aws:sns:us-east-1:${US}:orders`
const ACTIONS = Object.keys(AUTHORIZATION) as AuthorizedAction[]

interface Case {
  identity?: 'Allow' | 'Deny' | 'both'
  topic?: 'Allow' | 'Deny' | 'both'
}

suite('authorize()', () => {
  const cases: readonly (readonly [string, Case])[] = [
    ['no policy', {}],
    ['an identity policy that allows', { identity: 'Allow' }],
    ['a topic policy that allows', { topic: 'Allow' }],
    ['both that allow', { identity: 'Allow', topic: 'Allow' }],
    ['an identity policy that denies', { identity: 'both', topic: 'Allow' }],
    ['a topic policy that denies', { identity: 'Allow', topic: 'both' }],
  ]
  for (const [name, policies] of cases) {
    for (const account of [US, THEM]) {
      test(`decides each action with ${name}, in ${account === US ? 'the same' : 'another'} account`, () => {
        for (const action of ACTIONS) {
          assert.equal(isAllowed(action, account, policies), isExpected(action, account, policies), action)
        }
      })
    }
  }

  const user = (account: string) => `User: arn:aws:iam::${account}:user/ada is not authorized to perform: SNS:Publish`
  const texts: readonly (readonly [string, string, Case, string])[] = [
    ['nothing that allows', US, {}, 'because no identity-based policy allows the SNS:Publish action'],
    ['nothing that allows, elsewhere', THEM, {}, 'because no resource-based policy allows the SNS:Publish action'],
    [
      'an identity policy alone, elsewhere',
      THEM,
      { identity: 'Allow' },
      'because no resource-based policy allows the SNS:Publish action',
    ],
    [
      'a topic policy alone, elsewhere',
      THEM,
      { topic: 'Allow' },
      'because no identity-based policy allows the SNS:Publish action',
    ],
    [
      'a topic policy that denies',
      US,
      { identity: 'Allow', topic: 'Deny' },
      'with an explicit deny in a resource-based policy',
    ],
    [
      'a topic policy that allows and denies, elsewhere',
      THEM,
      { identity: 'Allow', topic: 'both' },
      'with an explicit deny in a resource-based policy',
    ],
    ['an identity policy that denies', US, { identity: 'both' }, 'with an explicit deny in an identity-based policy'],
    [
      'an identity policy that denies, elsewhere',
      THEM,
      { identity: 'both' },
      'with an explicit deny in an identity-based policy',
    ],
  ]
  for (const [name, account, policies, because] of texts) {
    test(`refuses with ${name} in the words of SNS`, () => {
      assert.throws(() => ask('Publish', account, policies), {
        code: 'AUTHORIZATION_ERROR',
        message: `${user(account)} on resource: ${TOPIC} ${because}`,
      })
    })
  }

  test('names a session by its own ARN, and the session policy that does not allow', () => {
    const arn = `arn:aws:sts::${US}:assumed-role/billing/monday`
    const session = { kind: 'role-session' as const, arn, account: US, roleArn: `arn:aws:iam::${US}:role/billing` }
    const policies = [identityPolicy('Allow', '*')]
    const say = (sessionPolicy: Principal['sessionPolicy'] & {}) => {
      const principal = createTestPrincipal({ ...session, policies, sessionPolicy })
      return messageOf(() => authorizeOnce(callerOf(principal), 'PublishBatch', topicOf({})))
    }
    const start = `User: ${arn} is not authorized to perform: SNS:Publish on resource: ${TOPIC}`
    assert.equal(
      say(identityPolicy('Allow', 'sns:Subscribe').policy),
      `${start} because no session policy allows the SNS:Publish action`,
    )
    assert.equal(say(identityPolicy('Deny', '*').policy), `${start} with an explicit deny in a session policy`)
  })

  test('answers a caller of another account alike, whether the topic denies, says nothing, or is not there', () => {
    for (const action of ACTIONS) {
      const messages = [{}, { topic: 'Deny' as const }, undefined].map((policies) => {
        const caller = callerOf(principalOf(THEM, {}))
        const topic = policies === undefined ? undefined : topicOf(policies)
        return messageOf(() => authorizeOnce(caller, action, topic))
      })
      assert.equal(new Set(messages).size, 1, action)
      assert.ok(messages[0])
    }
  })

  test('lets a root do everything in its own account, unless the topic policy denies it', () => {
    const root = createTestPrincipal({ kind: 'root', arn: `arn:aws:iam::${US}:root` })
    for (const action of ACTIONS) authorizeOnce(callerOf(root), action, topicOf({}))
    assert.throws(() => authorizeOnce(callerOf(root), 'Publish', topicOf({ topic: 'Deny' })), {
      code: 'AUTHORIZATION_ERROR',
    })
  })

  test('lets the default policy allow an IAM caller nothing', () => {
    for (const account of [US, THEM]) assert.ok(!isAllowed('Publish', account, {}))
  })

  test('decides for a service by the topic policy alone, conditions on its source included', () => {
    const service = createTestPrincipal({ kind: 'service', arn: 's3.amazonaws.com', account: 'aws' })
    const policy = policyText('Allow', 'sns:Publish', {
      Principal: { Service: 's3.amazonaws.com' },
      Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::photos' }, StringEquals: { 'aws:SourceAccount': US } },
    })
    const authorize = createAuthorize({ clock: createFakeClock(0) })
    const topic = topicWith(policy)
    const publish = (source: NonNullable<Caller['source']>) =>
      authorize({ ...callerOf(service), source }, 'Publish', { arn: TOPIC, account: US, topic })
    publish({ arn: 'arn:aws:s3:::photos', account: US })
    for (const source of [{}, { arn: 'arn:aws:s3:::photos', account: THEM }, { arn: 'arn:aws:s3:::x', account: US }]) {
      assert.throws(() => publish(source), { code: 'AUTHORIZATION_ERROR' })
    }
  })

  test('asks anew for each request when a policy looks at the request', () => {
    const authorize = createAuthorize({ clock: createFakeClock(0) })
    const Condition = { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } }
    const topic = topicWith(policyText('Allow', 'sns:Publish', { Condition }))
    const principal = principalOf(US, {})
    const from = (sourceIp: string) =>
      authorize({ ...callerOf(principal), sourceIp }, 'Publish', { arn: TOPIC, account: US, topic })
    from('192.0.2.1')
    assert.throws(() => from('198.51.100.1'), { code: 'AUTHORIZATION_ERROR' })
    from('192.0.2.2')
  })

  test('decides once for a principal and a topic when no policy looks at the request', () => {
    const { principal, reads } = countingReads(principalOf(US, { identity: 'Allow' }))
    const authorize = createAuthorize({ clock: createFakeClock(0) })
    const topic = topicWith(policyText('Deny', 'sns:Publish', { Condition: { StringEquals: { 'aws:userid': 'x' } } }))
    const publish = (to: Topic) => authorize(callerOf(principal), 'Publish', { arn: TOPIC, account: US, topic: to })
    publish(topic)
    const once = reads()
    publish(topic)
    assert.equal(reads(), once)
    // Read again, it is another one.
    publish({ ...topic })
    assert.ok(reads() > once)
    assert.throws(() => publish(topicOf({ topic: 'Deny' })), { code: 'AUTHORIZATION_ERROR' })
  })

  test('drops all decisions it keeps when they become too many, and keeps on from there', () => {
    const { principal, reads } = countingReads(principalOf(US, { identity: 'Allow' }))
    const authorize = createAuthorize({ clock: createFakeClock(0), maxKept: 3 })
    const topics = Array.from({ length: 4 }, () => topicWith(undefined))
    /** Which of the topics had to be decided by. */
    const decided = (...which: number[]) =>
      which.filter((at) => {
        const before = reads()
        authorize(callerOf(principal), 'Publish', { arn: TOPIC, account: US, topic: topics[at] })
        return reads() > before
      })
    assert.deepEqual(decided(0, 1, 2, 0, 1, 2), [0, 1, 2])
    assert.deepEqual(decided(3, 3, 0, 3), [3, 0])
    assert.deepEqual(decided(1, 0, 1, 3), [1])
    assert.deepEqual(decided(2, 3, 0), [2, 3, 0])
  })

  test('leaves what was decided to the audit line, and not the text that hides it', () => {
    const notes: AuditNotes = {}
    const caller = { ...callerOf(principalOf(THEM, { identity: 'Allow' })), notes }
    assert.throws(() => authorizeOnce(caller, 'Publish', topicOf({ topic: 'Deny' })), /no resource-based policy allows/)
    assert.equal(notes.resource, TOPIC)
    assert.equal(notes.decision?.reason, 'explicit-deny')
    assert.equal(notes.decision?.by?.source, 'resource')
  })
})

/** IAM's rules, in other words than the code's. */
function isExpected(action: AuthorizedAction, account: string, { identity, topic }: Case): boolean {
  const takesPart = AUTHORIZATION[action].by === 'topic'
  if (identity === 'Deny' || identity === 'both') return false
  if (!takesPart) return identity === 'Allow'
  if (topic === 'Deny' || topic === 'both') return false
  return account === US ? identity === 'Allow' || topic === 'Allow' : identity === 'Allow' && topic === 'Allow'
}

function isAllowed(action: AuthorizedAction, account: string, policies: Case): boolean {
  return messageOf(() => ask(action, account, policies)) === undefined
}

function ask(action: AuthorizedAction, account: string, policies: Case): void {
  authorizeOnce(callerOf(principalOf(account, policies)), action, topicOf(policies))
}

function authorizeOnce(caller: Caller, action: AuthorizedAction, topic: Topic | undefined): void {
  createAuthorize({ clock: createFakeClock(0) })(caller, action, { arn: TOPIC, account: US, topic })
}

function principalOf(account: string, { identity }: Case): Principal {
  const policies = effectsOf(identity).map((effect) => identityPolicy(effect, '*'))
  return createTestPrincipal({ arn: `arn:aws:iam::${account}:user/ada`, policies })
}

function identityPolicy(Effect: string, Action: string): Principal['policies'][number] {
  const document = { Version: '2012-10-17', Statement: [{ Effect, Action, Resource: '*' }] }
  return { name: Effect, policy: compilePolicy(JSON.stringify(document), { kind: 'identity' }) }
}

function topicOf({ topic }: Case): Topic {
  const permissions = [...new Set(Object.values(AUTHORIZATION).map(({ permission }) => `sns:${permission}`))]
  const statements = effectsOf(topic).map((Effect) => ({
    Effect,
    Principal: '*',
    Action: permissions,
    Resource: TOPIC,
  }))
  return topicWith(statements.length === 0 ? undefined : JSON.stringify({ Statement: statements }))
}

function policyText(Effect: string, Action: string, more: object): string {
  return JSON.stringify({ Statement: [{ Effect, Principal: '*', Action, Resource: TOPIC, ...more }] })
}

function topicWith(policy: string | undefined): Topic {
  const attributes = policy === undefined ? {} : { policy }
  return { arn: TOPIC, incarnation: 'i', owner: US, createdAt: 0, attributes }
}

function effectsOf(effect: 'Allow' | 'Deny' | 'both' | undefined): readonly string[] {
  if (effect === undefined) return []
  return effect === 'both' ? ['Allow', 'Deny'] : [effect]
}

function callerOf(principal: Principal): Caller {
  return { principal, region: 'us-east-1', sourceIp: '127.0.0.1', secure: true }
}

/** A principal that counts how often its policies are looked at. */
function countingReads(principal: Principal): { principal: Principal; reads: () => number } {
  let reads = 0
  const policies = () => {
    reads++
    return principal.policies
  }
  return { principal: Object.defineProperty({ ...principal }, 'policies', { get: policies }), reads: () => reads }
}

function messageOf(act: () => void): string | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
