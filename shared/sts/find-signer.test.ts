import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { compilePolicy } from '#shared/policy'
import type { Role, Signer } from '#shared/principals'
import { createSecretRing } from '#shared/record-mac'
import { createTestPrincipal } from '#shared/test-principals'
import { createFindSigner } from './find-signer.ts'
import type { Session } from './session.ts'
import { startSession } from './start-session.ts'

const ROLE_ARN = 'arn:aws:iam::000000000000:role/team/publisher'
const POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}]}'
const INVALID = { code: 'INVALID_CLIENT_TOKEN_ID' }

suite('findSigner()', () => {
  test('finds the session of a token under the name that STS gave it', () => {
    const { start, findSigner, role } = setup()
    const { session, token } = start()
    const found = findSigner(session.accessKeyId, token)
    assert.equal(found?.secretAccessKey, session.secretAccessKey)
    const { version, policies, tags, ...principal } = found?.principal ?? assert.fail()
    assert.deepEqual(principal, {
      kind: 'role-session',
      arn: 'arn:aws:sts::000000000000:assumed-role/publisher/ada',
      account: '000000000000',
      userId: 'AROAAAAAAAAAAAAAAAAAA:ada',
      roleArn: ROLE_ARN,
      tokenIssuedAt: 1_767_225_600,
      publisher: ROLE_ARN,
    })
    assert.equal(policies, role().policies)
    assert.deepEqual([...tags], [['team', 'roles']])
    assert.ok(version.length > 0)
  })

  test('refuses a session from the very second on at which it ends', () => {
    for (const passed of [0, 1, 400, 999]) {
      const { start, findSigner, clock } = setup()
      clock.advance(passed)
      const { session, token } = start({ durationSeconds: 900 })
      clock.advance(session.expiresAt * 1000 - clock.now() - 1)
      assert.ok(findSigner(session.accessKeyId, token))
      clock.advance(1)
      assert.throws(() => findSigner(session.accessKeyId, token), {
        code: 'EXPIRED_TOKEN',
        message: 'The security token included in the request is expired',
      })
      clock.advance(1_000_000)
      assert.throws(() => findSigner(session.accessKeyId, token), { code: 'EXPIRED_TOKEN' })
    }
  })

  test('never lets a session last longer than was asked for', () => {
    const { start, clock } = setup()
    clock.advance(999)
    assert.ok(start({ durationSeconds: 900 }).session.expiresAt * 1000 <= clock.now() + 900_000)
  })

  test('refuses a token with another access key, and the access key without its token', () => {
    const { start, findSigner } = setup()
    const [one, other] = [start(), start()]
    assert.throws(() => findSigner(other.session.accessKeyId, one.token), INVALID)
    // Also once both are known.
    findSigner(one.session.accessKeyId, one.token)
    findSigner(other.session.accessKeyId, other.token)
    assert.throws(() => findSigner(other.session.accessKeyId, one.token), INVALID)
    assert.equal(findSigner(one.session.accessKeyId, undefined), undefined)
  })

  test('refuses a token with the access key of a user, and finds the user without one', () => {
    const { start, findSigner, user } = setup()
    assert.throws(() => findSigner('AKIAUSER', start().token), INVALID)
    assert.throws(() => findSigner('AKIAUSER', 'a token'), INVALID)
    assert.throws(() => findSigner('AKIAUSER', ''), INVALID)
    assert.equal(findSigner('AKIAUSER', undefined), user)
  })

  test('refuses the sessions of a role that was removed, and of one that was made anew under its name', () => {
    const { start, findSigner, replaceRole, role } = setup()
    const { session, token } = start()
    assert.ok(findSigner(session.accessKeyId, token))
    const former = role()
    replaceRole(undefined)
    assert.throws(() => findSigner(session.accessKeyId, token), INVALID)
    replaceRole({ ...former, roleId: 'AROABBBBBBBBBBBBBBBBB' })
    assert.throws(() => findSigner(session.accessKeyId, token), INVALID)
    replaceRole(former)
    assert.ok(findSigner(session.accessKeyId, token))
  })

  test('gives a session the policies that its role has now, and another version with them', () => {
    const { start, findSigner, replaceRole, role } = setup()
    const { session, token } = start()
    const before = findSigner(session.accessKeyId, token)
    assert.equal(findSigner(session.accessKeyId, token), before)
    const policies = [{ name: 'publish', policy: compilePolicy(POLICY, { kind: 'identity' }) }]
    replaceRole({ ...role(), policies, version: '2' })
    const after = findSigner(session.accessKeyId, token)
    assert.equal(after?.principal.policies, policies)
    assert.notEqual(after?.principal.version, before?.principal.version)
  })

  test('makes one publisher of the sessions of a role, and another of each session policy, tags and source identity', () => {
    const { start, findSigner } = setup()
    const publisherOf = (limits: Partial<Session>) => {
      const { session, token } = start(limits)
      return findSigner(session.accessKeyId, token)?.principal.publisher ?? ''
    }
    assert.equal(publisherOf({ sessionName: 'bob' }), ROLE_ARN)
    const limits: Partial<Session>[] = [
      { sessionPolicy: POLICY },
      { sessionPolicy: `${POLICY} ` },
      { tags: { team: 'a' } },
      { tags: { team: 'b' } },
      { tags: { teama: '' } },
      { sourceIdentity: 'ada' },
      { tags: { ada: '' }, sourceIdentity: 'ada' },
    ]
    const publishers = limits.map(publisherOf)
    assert.equal(new Set([ROLE_ARN, ...publishers]).size, limits.length + 1)
    for (const publisher of publishers)
      assert.match(publisher, /^arn:aws:iam::000000000000:role\/team\/publisher#[0-9a-f]{32}$/)
    assert.deepEqual(
      limits.map((some) => publisherOf({ ...some, sessionName: 'bob' })),
      publishers,
    )
  })

  test('tells when a session began, which its version stands for as well', () => {
    const { start, findSigner, clock } = setup()
    const found = [0, 60_000].map((later) => {
      clock.advance(later)
      const { session, token } = start()
      return { began: session.issuedAt, principal: findSigner(session.accessKeyId, token)?.principal }
    })
    assert.deepEqual(
      found.map(({ principal }) => principal?.tokenIssuedAt),
      found.map(({ began }) => began),
    )
    assert.equal(new Set(found.map(({ principal }) => principal?.version)).size, 2)
    assert.equal(new Set(found.map(({ principal }) => principal?.publisher)).size, 1)
  })

  test('compiles the session policy, and lets the tags of a session win over those of its role in any case', () => {
    const { start, findSigner } = setup()
    const { session, token } = start({ sessionPolicy: POLICY, tags: { TEAM: 'own' } })
    const principal = findSigner(session.accessKeyId, token)?.principal
    assert.equal(principal?.sessionPolicy?.statements.length, 1)
    assert.deepEqual([...(principal?.tags ?? [])], [['TEAM', 'own']])
  })
})

function setup() {
  const clock = createFakeClock()
  const secrets = createSecretRing('0000000a', new Map([['0000000a', createSecretKey(Buffer.alloc(32, 1))]]))
  const trustPolicy = compilePolicy(
    '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}]}',
    { kind: 'trust' },
  )
  const first: Role = {
    arn: ROLE_ARN,
    account: '000000000000',
    roleId: 'AROAAAAAAAAAAAAAAAAAA',
    trustPolicy,
    policies: [],
    maxSessionSeconds: 3_600,
    tags: new Map([['team', 'roles']]),
    version: '1',
  }
  let role: Role | undefined = first
  const user: Signer = {
    principal: createTestPrincipal({ arn: 'arn:aws:iam::000000000000:user/ada' }),
    secretAccessKey: 'a secret',
  }
  const principals = {
    findByAccessKey: (id: string) => (id === 'AKIAUSER' ? user : undefined),
    findRole: (arn: string) => (arn === ROLE_ARN ? role : undefined),
  }
  return {
    clock,
    user,
    role: () => role ?? first,
    replaceRole(other: Role | undefined) {
      role = other
    },
    findSigner: createFindSigner({ principals, secrets, clock }),
    start: ({ durationSeconds = 3_600, ...limits }: Partial<Session> & { durationSeconds?: number } = {}) =>
      startSession({
        role: first,
        limits: { sessionName: 'ada', tags: {}, transitiveTagKeys: [], ...limits },
        durationSeconds,
        now: clock.now(),
        secrets,
      }),
  }
}
