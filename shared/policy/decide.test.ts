import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { compilePolicy, type Decision, decideByResourcePolicy, decideByUnion, type Subject } from './index.ts'

const OWN = '111122223333'
const OTHER = '444455556666'
const TOPIC = `arn:aws:sns:us-east-1:${OWN}:orders`
const USER = `arn:aws:iam::${OWN}:user/alice`
const ROLE = `arn:aws:iam::${OWN}:role/app/shop`
const SESSION = `arn:aws:sts::${OWN}:assumed-role/shop/monday`

suite('decideByUnion()', () => {
  test('allows by an identity policy alone in the same account', () => {
    const decision = decide({ subject: user({ identity: [allow({ Sid: 'Pub' })] }) })
    assert.deepEqual(decision, { allowed: true, by: { source: 'identity', policy: 'p', sid: 'Pub', index: 0 } })
  })

  test('allows by a resource policy alone in the same account', () => {
    const decision = decide({ subject: user({}), resource: [allow({ Principal: { AWS: USER } })] })
    assert.deepEqual(decision, { allowed: true, by: { source: 'resource', index: 0 } })
  })

  test('leaves a user of its own account to identity policies when the policy names the account alone', () => {
    const resource = [allow({ Principal: { AWS: OWN } })]
    assert.deepEqual(decide({ subject: user({}), resource }), {
      allowed: false,
      reason: 'no-identity-allow',
      lacks: ['identity'],
    })
    assert.equal(decide({ subject: user({ identity: [allow({})] }), resource }).allowed, true)
  })

  test('wants both sides across accounts', () => {
    const stranger = user({ account: OTHER, arn: `arn:aws:iam::${OTHER}:user/bob` })
    const allowed = user({ account: OTHER, arn: `arn:aws:iam::${OTHER}:user/bob`, identity: [allow({})] })
    const resource = [allow({ Principal: { AWS: OTHER } })]
    assert.deepEqual(lacks(decide({ subject: stranger, resource })), ['identity'])
    assert.deepEqual(lacks(decide({ subject: allowed })), ['resource'])
    assert.deepEqual(lacks(decide({ subject: stranger })), ['resource', 'identity'])
    assert.deepEqual(decide({ subject: allowed, resource }), {
      allowed: true,
      by: { source: 'identity', policy: 'p', index: 0 },
      through: { source: 'resource', index: 0 },
    })
  })

  test('denies whatever else allows', () => {
    const identity = [allow({}), deny({ Sid: 'Never' })]
    const decision = decide({ subject: user({ identity }), resource: [allow({ Principal: '*' })] })
    assert.deepEqual(decision, {
      allowed: false,
      reason: 'explicit-deny',
      by: { source: 'identity', policy: 'p', sid: 'Never', index: 1 },
      lacks: [],
    })
  })

  test('lets the root of the account do everything but what a resource policy denies', () => {
    const root: Subject = { kind: 'root', arn: `arn:aws:iam::${OWN}:root`, account: OWN, policies: [] }
    assert.deepEqual(decide({ subject: root }), { allowed: true, by: { source: 'root', index: 0 } })
    assert.equal(decide({ subject: root, resource: [deny({ Principal: '*' })] }).allowed, false)
  })

  test('asks the resource policy alone about a service', () => {
    const service: Subject = { kind: 'service', arn: 's3.amazonaws.com', account: 'aws', policies: [] }
    const named = [allow({ Principal: { Service: 's3.amazonaws.com' } })]
    assert.equal(decide({ subject: service, resource: named }).allowed, true)
    assert.deepEqual(lacks(decide({ subject: service, resource: [allow({ Principal: { AWS: OWN } })] })), ['resource'])
  })

  test('evaluates the default topic policy for services of its owner', () => {
    const service: Subject = { kind: 'service', arn: 's3.amazonaws.com', account: 'aws', policies: [] }
    const resource = [allow({ Principal: { AWS: '*' }, Condition: { StringEquals: { 'AWS:SourceOwner': OWN } } })]
    assert.equal(decide({ subject: service, resource, context: new Map([['aws:sourceowner', OWN]]) }).allowed, true)
    assert.equal(decide({ subject: service, resource }).allowed, false)
  })

  test('narrows a session by its policy, except what names the session itself', () => {
    const narrowed = session({ sessionPolicy: [allow({ Action: 'sns:Subscribe' })], identity: [allow({})] })
    assert.deepEqual(decide({ subject: narrowed }), { allowed: false, reason: 'no-session-allow', lacks: ['session'] })
    assert.equal(decide({ subject: narrowed, resource: [allow({ Principal: { AWS: ROLE } })] }).allowed, false)
    assert.equal(decide({ subject: narrowed, resource: [allow({ Principal: { AWS: SESSION } })] }).allowed, true)
    const wide = session({ sessionPolicy: [allow({})] })
    assert.equal(decide({ subject: wide }).allowed, false)
    assert.equal(decide({ subject: wide, resource: [allow({ Principal: { AWS: ROLE } })] }).allowed, true)
  })
})

suite('decideByResourcePolicy()', () => {
  test('allows nobody whom the policy does not know, whatever identity policies say', () => {
    assert.deepEqual(lacks(decideKey({ subject: user({ identity: [allow({})] }), resource: [] })), ['resource'])
    const root: Subject = { kind: 'root', arn: `arn:aws:iam::${OWN}:root`, account: OWN, policies: [] }
    assert.equal(decideKey({ subject: root, resource: [] }).allowed, false)
    assert.equal(decideKey({ subject: root, resource: [allow({ Principal: { AWS: OWN } })] }).allowed, true)
  })

  test('leaves it to identity policies when the policy names the account', () => {
    const resource = [allow({ Principal: { AWS: `arn:aws:iam::${OWN}:root` } })]
    assert.deepEqual(lacks(decideKey({ subject: user({}), resource })), ['identity'])
    assert.deepEqual(decideKey({ subject: user({ identity: [allow({})] }), resource }), {
      allowed: true,
      by: { source: 'identity', policy: 'p', index: 0 },
      through: { source: 'resource', index: 0 },
    })
  })

  test('allows by the caller’s own ARN, and by a grant unless something denies', () => {
    const named = decideKey({ subject: user({}), resource: [allow({ Principal: { AWS: USER } })] })
    assert.deepEqual(named, { allowed: true, by: { source: 'resource', index: 0 } })
    const granted = { subject: user({}), resource: [], grant: { id: 'g1' } }
    assert.deepEqual(decideKey(granted), { allowed: true, by: { source: 'grant', policy: 'g1', index: 0 } })
    assert.equal(decideKey({ ...granted, resource: [deny({ Principal: '*' })] }).allowed, false)
  })
})

type Element = Record<string, unknown>

function allow(element: Element): Element {
  return { Effect: 'Allow', Action: 'sns:Publish', Resource: TOPIC, ...element }
}

function deny(element: Element): Element {
  return { ...allow(element), Effect: 'Deny' }
}

function document(statements: readonly Element[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements })
}

function user(o: { arn?: string; account?: string; identity?: readonly Element[] }): Subject {
  return { kind: 'user', arn: o.arn ?? USER, account: o.account ?? OWN, policies: policiesOf(o.identity) }
}

function session(o: { sessionPolicy: readonly Element[]; identity?: readonly Element[] }): Subject {
  return {
    kind: 'role-session',
    arn: SESSION,
    roleArn: ROLE,
    account: OWN,
    policies: policiesOf(o.identity),
    sessionPolicy: compilePolicy(document(o.sessionPolicy), { kind: 'identity' }),
  }
}

function policiesOf(statements: readonly Element[] | undefined): Subject['policies'] {
  if (statements === undefined) return []
  return [{ name: 'p', policy: compilePolicy(document(statements), { kind: 'identity' }) }]
}

interface Case {
  subject: Subject
  resource?: readonly Element[]
  grant?: { id: string }
  context?: Map<string, string>
}

function requestOf({ subject, context = new Map() }: Case) {
  return { subject, action: 'sns:Publish', resource: TOPIC, resourceAccount: OWN, context }
}

function decide(c: Case): Decision {
  const policy = c.resource === undefined ? undefined : compilePolicy(document(c.resource), { kind: 'resource' })
  return decideByUnion(requestOf(c), policy)
}

/** An unrelated statement stands last: a list of none is no policy. */
function decideKey(c: Case): Decision {
  const statements = [...(c.resource ?? []), allow({ Principal: '*', Action: 'sns:Nothing' })]
  return decideByResourcePolicy(requestOf(c), compilePolicy(document(statements), { kind: 'key' }), c.grant)
}

function lacks(decision: Decision): readonly string[] | undefined {
  return decision.allowed ? undefined : decision.lacks
}
