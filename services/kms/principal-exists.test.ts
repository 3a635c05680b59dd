import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Role } from '#shared/principals'
import { createTestPrincipal } from '#shared/test-principals'
import { createPrincipalExists } from './principal-exists.ts'

const ROLE = 'arn:aws:iam::000000000000:role/team/ops'

suite('createPrincipalExists()', () => {
  for (const [arn, expected] of [
    [ROLE, true],
    ['arn:aws:iam::000000000000:role/ops', false],
    ['arn:aws:iam::000000000000:user/ada', false],
    ['arn:aws:iam::000000000000:role/sealcast-broker', true],
    // Without the path of the role, as STS names sessions.
    ['arn:aws:sts::000000000000:assumed-role/ops/monday', true],
    ['arn:aws:sts::000000000000:assumed-role/team/ops/monday', false],
    ['arn:aws:sts::000000000000:assumed-role/other/monday', false],
    ['arn:aws:sts::111122223333:assumed-role/ops/monday', false],
  ] as const) {
    test(`says ${expected} of ${arn}`, () => {
      const { exists } = setup()
      assert.equal(exists(arn), expected)
    })
  }
})

function setup() {
  const role = { arn: ROLE } as Role
  return {
    exists: createPrincipalExists({
      findPrincipal: (arn) => (arn === ROLE ? createTestPrincipal({ arn, kind: 'role-session' }) : undefined),
      findRoleByName: ({ account, name }) => (`${account}/${name}` === '000000000000/ops' ? role : undefined),
    }),
  }
}
