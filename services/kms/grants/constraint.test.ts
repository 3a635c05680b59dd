import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { isWithin, meetsConstraint } from './constraint.ts'
import type { GrantConstraint } from './grant.ts'

suite('meetsConstraint()', () => {
  const cases: [GrantConstraint['type'], Record<string, string>, Record<string, string> | undefined, boolean][] = [
    ['equals', { a: '1' }, { a: '1' }, true],
    ['equals', { a: '1' }, { a: '1', b: '2' }, false],
    ['equals', { a: '1', b: '2' }, { b: '2', a: '1' }, true],
    ['equals', { a: '1', b: '2' }, { a: '1' }, false],
    ['equals', { a: '1' }, { A: '1' }, false],
    ['equals', {}, {}, true],
    ['equals', {}, { a: '1' }, false],
    ['subset', { a: '1' }, { a: '1', b: '2' }, true],
    ['subset', { a: '1' }, { a: '1' }, true],
    ['subset', { a: '1' }, { a: '2' }, false],
    ['subset', { a: '1' }, {}, false],
    ['subset', { a: '' }, {}, false],
    ['subset', {}, { a: '1' }, true],
    ['subset', { a: '1' }, undefined, false],
  ]
  for (const [type, pairs, context, expected] of cases) {
    test(`${JSON.stringify(context)} ${expected ? 'meets' : 'does not meet'} ${type} ${JSON.stringify(pairs)}`, () => {
      const o = { operation: 'Decrypt', context: context && mapOf(context) }
      assert.equal(meetsConstraint({ type, pairs: mapOf(pairs) }, o), expected)
    })
  }

  test('asks nothing of DescribeKey and RetireGrant, nor without a constraint', () => {
    const constraint = { type: 'equals', pairs: mapOf({ a: '1' }) } as const
    for (const operation of ['DescribeKey', 'RetireGrant']) {
      assert.ok(meetsConstraint(constraint, { operation, context: undefined }))
    }
    assert.ok(meetsConstraint(undefined, { operation: 'Decrypt', context: mapOf({ any: 'thing' }) }))
  })

  test('agrees with a naive comparison of sorted pairs', () => {
    fc.assert(
      fc.property(constraints, contexts, (constraint, context) => {
        const met = meetsConstraint(constraint, { operation: 'Encrypt', context })
        const [asked, given] = [texts(constraint.pairs), texts(context)]
        const expected =
          constraint.type === 'equals'
            ? JSON.stringify(asked) === JSON.stringify(given)
            : asked.every((pair) => given.includes(pair))
        assert.equal(met, expected)
      }),
    )
  })
})

suite('isWithin()', () => {
  test('never lets a grant allow a context or an operation that its parent does not', () => {
    let within = 0
    fc.assert(
      fc.property(terms, terms, contexts, (child, parent, context) => {
        if (!isWithin(child, parent)) return
        within += 1
        for (const operation of child.operations) {
          assert.ok(parent.operations.includes(operation))
          if (meetsConstraint(child.constraint, { operation, context })) {
            assert.ok(meetsConstraint(parent.constraint, { operation, context }))
          }
        }
      }),
      { numRuns: 2_000 },
    )
    assert.ok(within > 50, `${within} of the pairs were within`)
  })

  test('takes the parent itself and whatever is stricter', () => {
    const [Decrypt, both] = [['Decrypt'], ['Decrypt', 'CreateGrant']]
    const at = (operations: string[], type?: GrantConstraint['type'], pairs: Record<string, string> = {}) => {
      const constraint = type && { type, pairs: mapOf(pairs) }
      return { granteePrincipal: 'arn:aws:iam::111122223333:user/a', operations, constraint }
    }
    assert.ok(isWithin(at(both), at(both)))
    assert.ok(isWithin(at(Decrypt, 'subset', { a: '1' }), at(both)))
    assert.ok(isWithin(at(Decrypt, 'equals', { a: '1', b: '2' }), at(both, 'subset', { a: '1' })))
    assert.ok(!isWithin(at(Decrypt, 'subset', { a: '1' }), at(both, 'equals', { a: '1' })))
    assert.ok(!isWithin(at(Decrypt), at(both, 'subset', { a: '1' })))
    assert.ok(!isWithin(at(['Encrypt']), at(both)))
  })
})

const names = fc.constantFrom('a', 'A', 'b', 'aws:sns:topicArn', '__proto__')
const values = fc.constantFrom('', '1', '2')
const contexts = fc.array(fc.tuple(names, values), { maxLength: 4 }).map((pairs) => new Map(pairs))
const constraints = fc.record({ type: fc.constantFrom('equals', 'subset'), pairs: contexts })
const terms = fc.record({
  granteePrincipal: fc.constant('arn:aws:iam::111122223333:user/a'),
  operations: fc.uniqueArray(fc.constantFrom('Decrypt', 'Encrypt', 'CreateGrant'), { minLength: 1 }),
  constraint: fc.option(constraints, { nil: undefined }),
})

function mapOf(pairs: Record<string, string>): ReadonlyMap<string, string> {
  return new Map(Object.entries(pairs))
}

function texts(context: ReadonlyMap<string, string>): readonly string[] {
  return [...context].map((pair) => JSON.stringify(pair)).sort()
}
