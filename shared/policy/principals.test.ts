import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Identity } from './identity.ts'
import { areAllListed, matchPrincipals, readPrincipals } from './principals.ts'
import { readJson } from './read-json.ts'

const OWN = '111122223333'
const OTHER = '444455556666'
const ROOT_ARN = `arn:aws:iam::${OWN}:root`
const USER_ARN = `arn:aws:iam::${OWN}:user/team/alice`
const ROLE_ARN = `arn:aws:iam::${OWN}:role/app/shop`
const SESSION_ARN = `arn:aws:sts::${OWN}:assumed-role/shop/monday`
const user: Identity = { kind: 'user', arn: USER_ARN, account: OWN }
const root: Identity = { kind: 'root', arn: ROOT_ARN, account: OWN }
const session: Identity = { kind: 'role-session', arn: SESSION_ARN, roleArn: ROLE_ARN, account: OWN }
const service: Identity = { kind: 'service', arn: 's3.amazonaws.com', account: 'aws' }

suite('matchPrincipals()', () => {
  for (const [principal, ofUser, ofRoot, ofSession, ofService] of [
    ['*', 'principal', 'principal', 'principal', 'principal'],
    [{ AWS: '*' }, 'principal', 'principal', 'principal', 'principal'],
    [{ AWS: OWN }, 'account', 'principal', 'account', undefined],
    [{ AWS: ROOT_ARN }, 'account', 'principal', 'account', undefined],
    [{ AWS: OTHER }, undefined, undefined, undefined, undefined],
    [{ AWS: USER_ARN }, 'principal', undefined, undefined, undefined],
    [{ AWS: `arn:aws:iam::${OWN}:user/alice` }, undefined, undefined, undefined, undefined],
    [{ AWS: USER_ARN.replace('alice', 'Alice') }, undefined, undefined, undefined, undefined],
    [{ AWS: USER_ARN.replace(OWN, OTHER) }, undefined, undefined, undefined, undefined],
    [{ AWS: ROLE_ARN }, undefined, undefined, 'principal', undefined],
    [{ AWS: `arn:aws:iam::${OWN}:role/shop` }, undefined, undefined, undefined, undefined],
    [{ AWS: SESSION_ARN }, undefined, undefined, 'session', undefined],
    [{ AWS: SESSION_ARN.replace('monday', 'tuesday') }, undefined, undefined, undefined, undefined],
    [{ AWS: [OWN, USER_ARN, SESSION_ARN] }, 'principal', 'principal', 'session', undefined],
    [{ Service: 's3.amazonaws.com' }, undefined, undefined, undefined, 'principal'],
    [{ Service: 'sns.amazonaws.com' }, undefined, undefined, undefined, undefined],
    [{ Federated: 'cognito-identity.amazonaws.com' }, undefined, undefined, undefined, undefined],
    [{ CanonicalUser: 'abcd' }, undefined, undefined, undefined, undefined],
  ] as const) {
    test(`finds whom ${JSON.stringify(principal)} names`, () => {
      const list = read(principal)
      assert.deepEqual(
        [user, root, session, service].map((who) => matchPrincipals(list, who)),
        [ofUser, ofRoot, ofSession, ofService],
      )
    })
  }

  test('does not take a user for an account whose name it has', () => {
    const named: Identity = { kind: 'user', arn: `arn:aws:iam::${OWN}:user/${OTHER}`, account: OWN }
    assert.equal(matchPrincipals(read({ AWS: OTHER }), named), undefined)
  })
})

suite('areAllListed()', () => {
  for (const [listed, ofUser, ofRoot, ofSession] of [
    [[USER_ARN], false, false, false],
    [[USER_ARN, OWN], true, true, false],
    [[OWN], false, true, false],
    [[ROLE_ARN, OWN], false, true, false],
    [[SESSION_ARN, ROLE_ARN], false, false, false],
    [[SESSION_ARN, ROLE_ARN, OWN], false, true, true],
    [[USER_ARN, OTHER], false, false, false],
    [['*'], true, true, true],
  ] as const) {
    test(`spares of ${JSON.stringify(listed)} whom it lists with all that they are`, () => {
      const list = read({ AWS: listed })
      assert.deepEqual(
        [user, root, session].map((who) => areAllListed(list, who)),
        [ofUser, ofRoot, ofSession],
      )
    })
  }

  test('spares a service by its name', () => {
    assert.equal(areAllListed(read({ Service: 's3.amazonaws.com' }), service), true)
    assert.equal(areAllListed(read({ AWS: OWN }), service), false)
  })
})

function read(principal: unknown) {
  return readPrincipals(readJson(JSON.stringify(principal)), 'Principal')
}
