import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { KmsCredentialsError, KmsRoleDeniedError, KmsRoleUnavailableError, StsUnavailableError } from './errors.ts'
import { createRoleCredentials, type RoleCredentials, type RoleUse } from './role-credentials.ts'

const HOUR_MS = 3_600_000
const USE = {
  region: 'us-east-1',
  roleArn: 'arn:aws:iam::111122223333:role/kms',
  principal: 'arn:aws:iam::111122223333:user/ada',
}
const THRESHOLD = 5
const down = () => new StsUnavailableError('STS did not answer: ECONNREFUSED')

suite('createRoleCredentials()', () => {
  test('asks STS once, until five minutes before the end', async () => {
    const { roles, asked, clock } = setup()
    const first = await roles.obtain(USE)
    assert.equal(first.isNew, true)
    clock.advance(HOUR_MS - 300_001)
    assert.deepEqual(await roles.obtain(USE), { credentials: first.credentials, isNew: false })
    clock.advance(1)
    const second = await roles.obtain(USE)
    assert.notEqual(second.credentials.accessKeyId, first.credentials.accessKeyId)
    assert.deepEqual([second.isNew, asked.length], [true, 2])
  })

  test('makes one flight of all uses that come meanwhile, and none of those for others', async () => {
    const { roles, asked } = setup()
    const others = [{ region: 'eu-west-1' }, { roleArn: `${USE.roleArn}2` }, { principal: `${USE.principal}#0123` }]
    const all = await Promise.all(
      [...Array.from({ length: 20 }, () => USE), ...others.map((o) => ({ ...USE, ...o }))].map(roles.obtain),
    )
    assert.equal(asked.length, 1 + others.length)
    assert.equal(new Set(all.map(({ credentials }) => credentials.accessKeyId)).size, 1 + others.length)
  })

  test('fails all uses of a flight, and asks anew after it', async () => {
    const { roles, asked, sts } = setup()
    sts.failure = new KmsRoleDeniedError('no')
    const outcomes = await Promise.allSettled([roles.obtain(USE), roles.obtain(USE)])
    assert.ok(outcomes.every(({ status }) => status === 'rejected'))
    sts.failure = undefined
    await roles.obtain(USE)
    assert.equal(asked.length, 2)
  })

  test('holds as many as it may, and lets go of those used longest ago', async () => {
    const { roles, asked } = setup({ maxRoles: 2 })
    const uses = ['a', 'b', 'c'].map((name) => ({ ...USE, principal: name }))
    for (const use of uses) await roles.obtain(use)
    await roles.obtain(uses[2] ?? USE)
    assert.equal(asked.length, 3)
    await roles.obtain(uses[0] ?? USE)
    assert.equal(asked.length, 4)
  })

  test('forgets what KMS refused, but not what has come since', async () => {
    const { roles, asked } = setup()
    const { credentials: old } = await roles.obtain(USE)
    roles.drop(USE, old)
    const { credentials } = await roles.obtain(USE)
    roles.drop(USE, old)
    assert.deepEqual(await roles.obtain(USE), { credentials, isNew: false })
    assert.equal(asked.length, 2)
  })

  test('uses what it holds nearly to its end while STS fails, but not once the role is refused', async () => {
    for (const failure of [down(), new KmsRoleUnavailableError('odd'), new KmsCredentialsError('expired')]) {
      const { roles, sts, clock } = setup()
      const { credentials } = await roles.obtain(USE)
      clock.advance(HOUR_MS - 200_000)
      sts.failure = failure
      assert.deepEqual(await roles.obtain(USE), { credentials, isNew: false })
      clock.advance(185_000)
      await assert.rejects(roles.obtain(USE), failure)
    }
    const { roles, sts, clock } = setup()
    await roles.obtain(USE)
    clock.advance(HOUR_MS - 200_000)
    sts.failure = new KmsRoleDeniedError('no')
    await assert.rejects(roles.obtain(USE), { code: 'KMS_ACCESS_DENIED' })
    sts.failure = down()
    await assert.rejects(roles.obtain(USE), { code: 'KMS_UNAVAILABLE' })
  })

  test('spares an STS that fails five times in a row, in its region alone, and asks once when the pause is over', async () => {
    const { roles, asked, sts, clock } = setup()
    sts.failure = down()
    for (let n = 0; n < 2 * THRESHOLD; n++) {
      await assert.rejects(roles.obtain({ ...USE, principal: String(n) }), { code: 'KMS_UNAVAILABLE' })
    }
    assert.equal(asked.length, THRESHOLD)
    sts.failure = undefined
    await roles.obtain({ ...USE, region: 'eu-west-1' })
    clock.advance(500)
    await roles.obtain(USE)
    await roles.obtain({ ...USE, principal: 'another' })
    assert.equal(asked.length, THRESHOLD + 3)
  })

  test('lets a role that is refused, or odd, keep nobody else from asking', async () => {
    for (const failure of [
      new KmsRoleDeniedError('no'),
      new KmsRoleUnavailableError('odd'),
      new KmsCredentialsError('x'),
    ]) {
      const { roles, sts } = setup()
      sts.failure = failure
      for (let n = 0; n < 2 * THRESHOLD; n++) await assert.rejects(roles.obtain(USE), failure)
      sts.failure = undefined
      await roles.obtain({ ...USE, roleArn: `${USE.roleArn}2` })
    }
  })
})

/** An STS whose next answers the test decides. */
function setup(o: { maxRoles?: number } = {}) {
  const clock = createFakeClock()
  const asked: RoleUse[] = []
  const sts = { failure: undefined as Error | undefined }
  const assume = async (use: RoleUse): Promise<RoleCredentials> => {
    asked.push(use)
    const accessKeyId = `ASIA${asked.length}`
    await Promise.resolve()
    if (sts.failure !== undefined) throw sts.failure
    return { accessKeyId, secretAccessKey: 's', sessionToken: 't', expiresAt: clock.now() + HOUR_MS }
  }
  return { roles: createRoleCredentials({ assume, clock, ...o }), asked, sts, clock }
}
