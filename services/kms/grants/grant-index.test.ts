import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { addGrant, MAX_GRANTS_OF_KEY } from './add-grant.ts'
import { findGrant } from './find-grant.ts'
import type { Grant } from './grant.ts'
import { createGrantIndex } from './grant-index.ts'
import { retirementRight } from './retirement.ts'

const KEY = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const ROLE = 'arn:aws:iam::111122223333:role/publisher'
const SESSION = 'arn:aws:sts::111122223333:assumed-role/publisher/one'

suite('findGrant()', () => {
  test('finds what was granted to a user, a session and the role of a session, and nothing for a service', () => {
    const user = 'arn:aws:iam::111122223333:user/a'
    const grants = indexOf([{ granteePrincipal: user }, { granteePrincipal: ROLE }, { granteePrincipal: SESSION }])
    const use = { keyArn: KEY, operation: 'Decrypt' }
    const granted = (o: Parameters<typeof findGrant>[1]) => findGrant(grants, o, use)?.granteePrincipal
    assert.equal(granted({ kind: 'user', arn: user }), user)
    assert.equal(granted({ kind: 'role-session', arn: SESSION, roleArn: ROLE }), SESSION)
    assert.equal(granted({ kind: 'role-session', arn: `${SESSION}2`, roleArn: ROLE }), ROLE)
    assert.equal(granted({ kind: 'user', arn: `${user}b` }), undefined)
    assert.equal(granted({ kind: 'service', arn: user }), undefined)
    assert.equal(findGrant(grants, { kind: 'user', arn: user }, { ...use, keyArn: `${KEY}x` }), undefined)
    assert.equal(findGrant(grants, { kind: 'user', arn: user }, { ...use, operation: 'Encrypt' }), undefined)
  })

  test('takes another grant when the constraint of the first is not met', () => {
    const constrained = (value: string) => ({ type: 'subset', pairs: new Map([['topic', value]]) }) as const
    const grants = indexOf([{ constraint: constrained('a') }, { constraint: constrained('b') }])
    const granted = (value: string) => {
      const encryptionContext = new Map([['topic', value]])
      return findGrant(grants, { kind: 'user', arn: ROLE }, { keyArn: KEY, operation: 'Decrypt', encryptionContext })
    }
    assert.deepEqual(granted('b')?.constraint?.pairs.get('topic'), 'b')
    assert.equal(granted('c'), undefined)
  })

  test(`answers for a key with ${MAX_GRANTS_OF_KEY} grants as fast as for one with a few`, () => {
    const grants = indexOf(
      Array.from({ length: MAX_GRANTS_OF_KEY }, (_, i) => ({
        granteePrincipal: `arn:aws:iam::111122223333:user/u${i}`,
      })),
    )
    const startedAt = performance.now()
    for (let i = 0; i < 10_000; i++) {
      const arn = `arn:aws:iam::111122223333:user/u${i * 5}`
      assert.ok(findGrant(grants, { kind: 'user', arn }, { keyArn: KEY, operation: 'Decrypt' }))
    }
    // Microseconds each; one pass over all grants would be a hundred times that.
    assert.ok(performance.now() - startedAt < 1_000)
  })
})

suite('addGrant()', () => {
  test('takes a name with the same terms in any order for the same grant, and without one none', () => {
    const terms = { ...BASE, name: 'n', operations: ['Decrypt', 'Encrypt'] }
    const grants = indexOf([terms])
    const isNew = (o: Partial<Grant>) => addGrant(grants, { ...terms, ...o }, 0).isNew
    assert.equal(isNew({}), false)
    assert.equal(isNew({ operations: ['Encrypt', 'Decrypt'] }), false)
    for (const other of [
      { name: 'm' },
      { name: undefined },
      { operations: ['Decrypt'] },
      { granteePrincipal: SESSION },
      { retiringPrincipal: ROLE },
      { issuingAccount: '444455556666' },
      { constraint: { type: 'equals', pairs: new Map() } },
    ] as const) {
      assert.ok(isNew(other), JSON.stringify(other))
    }
  })

  test(`refuses the grant after the ${MAX_GRANTS_OF_KEY}th of a key, but not a retry of a named one`, () => {
    const full = indexOf([{ name: 'n' }, ...Array.from({ length: MAX_GRANTS_OF_KEY - 1 }, () => ({}))])
    assert.throws(() => addGrant(full, BASE, 0), { code: 'LIMIT_EXCEEDED' })
    assert.equal(addGrant(full, { ...BASE, name: 'n' }, 0).isNew, false)
    const [one] = full.list(KEY)
    assert.ok(one)
    full.remove(one)
    assert.ok(addGrant(full, BASE, 0).isNew)
  })
})

suite('retirementRight()', () => {
  test('is of the retiring principal, a grantee with RetireGrant, and the account that made it', () => {
    const user = (name: string, account = '444455556666') =>
      ({ kind: 'user', arn: `arn:aws:iam::${account}:user/${name}`, account }) as const
    const grant = made({ retiringPrincipal: user('retiring').arn, granteePrincipal: user('grantee').arn })
    assert.equal(retirementRight(grant, user('retiring')), 'grant')
    assert.equal(retirementRight(grant, user('grantee')), undefined)
    assert.equal(retirementRight({ ...grant, operations: ['RetireGrant'] }, user('grantee')), 'grant')
    assert.equal(retirementRight(grant, user('any', grant.issuingAccount)), 'account')
    const service = { kind: 'service', arn: 's3.amazonaws.com', account: grant.issuingAccount } as const
    assert.equal(retirementRight(grant, service), undefined)
  })
})

const BASE = {
  keyArn: KEY,
  granteePrincipal: ROLE,
  operations: ['Decrypt'],
  issuingAccount: '111122223333',
}

let count = 0

function made(o: Partial<Grant>): Grant {
  count += 1
  return { ...BASE, id: count.toString(16).padStart(64, '0'), createdAt: 0, ...o }
}

function indexOf(grants: readonly Partial<Grant>[]) {
  const index = createGrantIndex()
  for (const grant of grants) index.add(made(grant))
  return index
}
