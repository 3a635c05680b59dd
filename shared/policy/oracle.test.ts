// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of policies

/** The engine against an evaluator that shares nothing with it, over random policies and requests that often meet. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  type AccessRequest,
  type CompiledPolicy,
  compilePolicy,
  type Decision,
  decideByResourcePolicy,
  decideByUnion,
  findMissingStatements,
} from './index.ts'
import {
  type Documents,
  evaluateByResourcePolicy,
  evaluateByUnion,
  type Outcome,
  type PlainRequest,
  type PlainStatement,
} from './testing/naive-evaluator.ts'

const RUNS = 5000

suite('the engine and a naive evaluator', () => {
  test('agree on decideByUnion()', () => {
    const seen = compare(decideByUnion, evaluateByUnion)
    for (const outcome of ['allow', 'explicit-deny', 'deny'] as const)
      assert.ok((seen.get(outcome) ?? 0) > RUNS / 20, `${outcome}: ${seen.get(outcome)}`)
  })

  test('agree on decideByResourcePolicy()', () => {
    const seen = compare((request, policy) => decideByResourcePolicy(request, policy), evaluateByResourcePolicy)
    for (const outcome of ['allow', 'explicit-deny', 'deny'] as const)
      assert.ok((seen.get(outcome) ?? 0) > RUNS / 20, `${outcome}: ${seen.get(outcome)}`)
  })

  test('agree that findMissingStatements() is enough, and that each of its statements is needed', () => {
    let added = 0
    fc.assert(
      fc.property(cases, ([given, asked]) => {
        for (const [decide, evaluate] of [
          [decideByUnion, evaluateByUnion],
          [decideByResourcePolicy, evaluateByResourcePolicy],
        ] as const) {
          const [compiled, policy] = compile(given, asked)
          const decision = decide(compiled, policy)
          const missing = findMissingStatements(compiled, decision)
          if (missing.length === 0) continue
          added++
          const fixed = structuredClone(given)
          for (const { belongsIn, statement } of missing) {
            assert.equal(evaluate(fixed, asked), 'deny')
            fixed[belongsIn]?.push(statement)
          }
          assert.equal(evaluate(fixed, asked), 'allow')
          assert.equal(decide(...compile(fixed, asked)).allowed, true)
        }
      }),
      { numRuns: RUNS },
    )
    assert.ok(added > RUNS / 10, String(added))
  })

  test('agree after a document was read and written again', () => {
    fc.assert(
      fc.property(cases, ([given, asked]) => {
        const [compiled, policy] = compile(given, asked)
        const spaced = compilePolicy(JSON.stringify(JSON.parse(policy.text), null, 2), { kind: 'resource' })
        assert.deepEqual(decideByUnion(compiled, spaced), decideByUnion(compiled, policy))
        assert.deepEqual(JSON.parse(JSON.stringify(spaced.statements)), JSON.parse(JSON.stringify(policy.statements)))
      }),
      { numRuns: 500 },
    )
  })
})

function compare(
  decide: (request: AccessRequest, policy: CompiledPolicy) => Decision,
  evaluate: (documents: Documents, request: PlainRequest) => Outcome,
): Map<Outcome, number> {
  const seen = new Map<Outcome, number>()
  fc.assert(
    fc.property(cases, ([given, asked]) => {
      const decision = decide(...compile(given, asked))
      const expected = evaluate(given, asked)
      seen.set(expected, (seen.get(expected) ?? 0) + 1)
      const actual = decision.allowed ? 'allow' : decision.reason === 'explicit-deny' ? 'explicit-deny' : 'deny'
      assert.equal(actual, expected)
    }),
    { numRuns: RUNS },
  )
  return seen
}

function compile(given: Documents, asked: PlainRequest): [AccessRequest, CompiledPolicy] {
  const { kind, arn, account, roleArn, action, resource, owner } = asked
  const read = (statements: readonly PlainStatement[], of: 'identity' | 'resource') =>
    // A policy has at least one statement: this one is about nothing.
    compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: [...statements, NOTHING[of]] }), { kind: of })
  const subject = {
    kind,
    arn,
    account,
    roleArn,
    policies: [{ name: 'own', policy: read(given.identity, 'identity') }],
    sessionPolicy: given.session && read(given.session, 'identity'),
  }
  const context = new Map(Object.entries(asked.context))
  return [{ subject, action, resource, resourceAccount: owner, context }, read(given.resource, 'resource')]
}

const NOTHING = {
  identity: { Effect: 'Allow', Action: 'none:None', Resource: '*' },
  resource: { Effect: 'Allow', Principal: '*', Action: 'none:None', Resource: '*' },
}

const ACCOUNTS = ['111122223333', '444455556666'] as const
const one = <T>(...values: readonly T[]) => fc.constantFrom(...values)
/** One of them as it stands, or a short list. */
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof(arbitrary, fc.array(arbitrary, { minLength: 1, maxLength: 3 }))

const caller = fc.oneof(
  one(...ACCOUNTS).chain((account) =>
    one(
      { kind: 'user', arn: `arn:aws:iam::${account}:user/a`, account },
      { kind: 'user', arn: `arn:aws:iam::${account}:user/b`, account },
      {
        kind: 'role-session',
        arn: `arn:aws:sts::${account}:assumed-role/r/s`,
        roleArn: `arn:aws:iam::${account}:role/p/r`,
        account,
      },
      { kind: 'root', arn: `arn:aws:iam::${account}:root`, account },
    ),
  ),
  fc.constant({ kind: 'service', arn: 's3.amazonaws.com', account: 'aws' }),
)

const principal = fc.oneof(
  fc.constant('*'),
  fc.record({
    AWS: some(
      one(
        '*',
        ...ACCOUNTS.flatMap((account) => [
          account,
          `arn:aws:iam::${account}:root`,
          `arn:aws:iam::${account}:user/a`,
          `arn:aws:iam::${account}:role/p/r`,
          `arn:aws:sts::${account}:assumed-role/r/s`,
        ]),
      ),
    ),
  }),
  fc.record({ Service: one('s3.amazonaws.com', 'logs.amazonaws.com') }),
)
/** Long lists: whoever is to be spared has to be listed with all that they are. */
const notPrincipal = fc.oneof(
  principal,
  fc.record({
    AWS: fc.subarray(
      ACCOUNTS.flatMap((account) => [
        account,
        `arn:aws:iam::${account}:user/a`,
        `arn:aws:iam::${account}:role/p/r`,
        `arn:aws:sts::${account}:assumed-role/r/s`,
      ]),
      { minLength: 3 },
    ),
  }),
)

const action = some(one('*', 'sns:*', 'SNS:Publish', 'sns:Pub*', 'sns:?ublish', 'sns:Subscribe', 's3:*'))
const resource = some(
  one(
    '*',
    'arn:aws:sns:*',
    'arn:aws:sns:us-east-1:111122223333:o*',
    'arn:aws:sns:*:*:orders',
    'arn:aws:sns:us-east-?:1*3:*',
    'arn:aws:sns:us-east-1:111122223333:${aws:username}',
    "arn:aws:sns:us-east-1:111122223333:${test:absent, 'orders'}",
    'arn:aws:sns:us-east-1:111122223333:${*}',
    'arn:aws:sns:*:444455556666:*',
  ),
)
const textOperator = fc
  .tuple(
    one('', 'ForAnyValue:', 'ForAllValues:'),
    one(
      'StringEquals',
      'StringNotEquals',
      'StringLike',
      'StringNotLike',
      'StringEqualsIgnoreCase',
      'StringNotEqualsIgnoreCase',
    ),
    one('', 'IfExists'),
  )
  .map((parts) => parts.join(''))
const KEYS = ['aws:username', 'Test:Tags', 'test:absent', 'test:number'] as const
const condition = fc.oneof(
  fc.constant(undefined),
  fc.dictionary(
    textOperator,
    fc.dictionary(
      one(...KEYS),
      some(
        one(
          'orders',
          'ORDERS',
          'o*',
          '*',
          'a',
          '${aws:username}',
          '${test:absent}',
          '${*}',
          "${test:absent, 'a'}",
          '7',
        ),
      ),
      { minKeys: 1, maxKeys: 2 },
    ),
    { maxKeys: 1 },
  ),
  fc.record({ Null: fc.dictionary(one(...KEYS), some(one('true', 'false')), { minKeys: 1, maxKeys: 1 }) }),
  fc.record({
    Bool: fc.constant({ 'test:bool': 'true' }),
    NumericLessThan: fc.record({ 'test:number': some(one<string | number>('7', 8, '6.5')) }),
  }),
  fc.record({ NumericNotEquals: fc.record({ 'test:number': some(one('7', '7.0', '8')) }) }),
)

const what = fc
  .tuple(
    one('Allow', 'Allow', 'Deny'),
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ Action: action }) },
      { weight: 1, arbitrary: fc.record({ NotAction: action }) },
    ),
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ Resource: resource }) },
      { weight: 1, arbitrary: fc.record({ NotResource: resource }) },
    ),
    condition,
  )
  .map(
    ([Effect, actions, resources, Condition]) =>
      ({ Effect, ...actions, ...resources, ...(Condition && { Condition }) }) as PlainStatement,
  )
const resourceStatement = fc
  .tuple(what, principal, notPrincipal, fc.boolean())
  .map(([statement, Principal, NotPrincipal, not]) =>
    not && statement.Effect === 'Deny' ? { ...statement, NotPrincipal } : { ...statement, Principal },
  )
const documents: fc.Arbitrary<Documents> = fc
  .tuple(
    fc.array(what, { maxLength: 3 }),
    fc.option(fc.array(what, { maxLength: 2 }), { nil: undefined, freq: 2 }),
    fc.array(resourceStatement, { maxLength: 3 }),
  )
  .map(([identity, session, others]) => ({ identity, ...(session && { session }), resource: others }))
const request: fc.Arbitrary<PlainRequest> = fc
  .tuple(
    caller,
    one('sns:Publish', 'SNS:publish', 'sns:Subscribe'),
    one('arn:aws:sns:us-east-1:111122223333:orders', 'arn:aws:sns:us-east-1:111122223333:*', '*'),
    fc.record(
      {
        'aws:username': one('orders', 'a', '*'),
        'test:tags': fc.array(one('a', 'b', 'orders', 'ORDERS'), { maxLength: 3 }),
        'test:number': one('7', '6', '-1', '7.50'),
        'test:bool': one('true', 'false'),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([who, asked, on, context]) => ({
    ...(who as Pick<PlainRequest, 'kind' | 'arn' | 'account'>),
    action: asked,
    resource: on,
    owner: '111122223333',
    context: context as PlainRequest['context'],
  }))
/** Only sessions have a policy that their session was made with. */
const cases = fc
  .tuple(documents, request)
  .map(([{ session, ...others }, asked]): [Documents, PlainRequest] => [
    asked.kind === 'role-session' && session ? { ...others, session } : others,
    asked,
  ])
