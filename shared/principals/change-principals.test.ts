import assert from 'node:assert/strict'
import { chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import {
  addAccessKey,
  addPrincipal,
  addRole,
  addService,
  changeAccessKey,
  changeAttributes,
  listPolicies,
  listPrincipals,
  putPolicy,
  putTrustPolicy,
  readPolicyOf,
  removePolicy,
  removePrincipal,
  setOrganization,
} from './index.ts'

const ALICE = 'arn:aws:iam::000000000000:user/alice'
const BOB = 'arn:aws:iam::000000000000:user/bob'
const ROOT = 'arn:aws:iam::000000000000:root'
const ROLE = 'arn:aws:iam::000000000000:role/ops'
const TRUST = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' }],
}

suite('a change by root', () => {
  const isRoot = process.getuid?.() === 0

  test('leaves the file to its owner, whose services read it', { skip: !isRoot }, async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE })
    await chown(dir.file, 10_001, 10_002)
    await addPrincipal(dir.file, { arn: BOB })
    const { uid, gid, mode } = await stat(dir.file)
    assert.deepEqual([uid, gid, mode & 0o777], [10_001, 10_002, 0o600])
  })
})

suite('addAccessKey()', () => {
  test('gives a second key, keeps the first, and refuses a third', async () => {
    await using dir = await setup()
    const first = await addPrincipal(dir.file, { arn: ALICE })
    const second = await addAccessKey(dir.file, ALICE)
    assert.equal(second.replaces, first.accessKeyId)
    assert.deepEqual(await keyIds(dir), [first.accessKeyId, second.accessKeyId])
    await unchangedAfter(dir, () => addAccessKey(dir.file, ALICE), 'ACCESS_KEY_LIMIT')
    await changeAccessKey(dir.file, ALICE, { id: first.accessKeyId, to: 'Removed' })
    assert.equal((await addAccessKey(dir.file, ALICE)).replaces, second.accessKeyId)
  })

  test('gives services keys, and roles none', async () => {
    await using dir = await setup()
    await addService(dir.file, { service: 's3.amazonaws.com' })
    await addAccessKey(dir.file, 's3.amazonaws.com')
    await addRole(dir.file, { arn: ROLE, trustPolicy: TRUST })
    await unchangedAfter(dir, () => addAccessKey(dir.file, ROLE), 'ACCESS_KEY_LIMIT')
  })

  test('refuses nobody', async () => {
    await using dir = await setup()
    await assert.rejects(addAccessKey(dir.file, ALICE), { code: 'PRINCIPALS_FILE_MISSING' })
    await addPrincipal(dir.file, { arn: BOB })
    await unchangedAfter(dir, () => addAccessKey(dir.file, ALICE), 'PRINCIPAL_NOT_FOUND')
  })
})

suite('changeAccessKey()', () => {
  test('switches a key off and on, and refuses the key of another', async () => {
    await using dir = await setup()
    const alice = await addPrincipal(dir.file, { arn: ALICE })
    await addPrincipal(dir.file, { arn: BOB })
    for (const to of ['Inactive', 'Active'] as const) {
      await changeAccessKey(dir.file, ALICE, { id: alice.accessKeyId, to })
      assert.equal((await listPrincipals(dir.file))[0]?.accessKeys[0]?.status, to)
    }
    const notHis = () => changeAccessKey(dir.file, BOB, { id: alice.accessKeyId, to: 'Removed' })
    await unchangedAfter(dir, notHis, 'ACCESS_KEY_NOT_FOUND')
  })
})

suite('putPolicy()', () => {
  test('adds and replaces a policy, which is read back as it was given', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE })
    for (const action of ['sns:Publish', 'sns:*']) {
      await putPolicy(dir.file, ALICE, { name: 'own', text: policyText({ Action: action }) })
      assert.deepEqual(await readPolicyOf(dir.file, ALICE, { name: 'own' }), JSON.parse(policyText({ Action: action })))
    }
    await putPolicy(dir.file, ALICE, { name: 'other', text: policyText({}) })
    assert.deepEqual(await listPolicies(dir.file, ALICE), ['own', 'other'])
    await removePolicy(dir.file, ALICE, { name: 'own' })
    assert.deepEqual(await listPolicies(dir.file, ALICE), ['other'])
  })

  for (const [name, text] of [
    ['no JSON', '{'],
    ['an effect misspelt', policyText({ Effect: 'Alow' })],
    ['a principal', policyText({ Principal: '*' })],
    ['an element twice', '{"Version":"2012-10-17","Statement":[],"Statement":[]}'],
  ] as const) {
    test(`refuses ${name} and leaves the file as it was`, async () => {
      await using dir = await setup()
      await addPrincipal(dir.file, { arn: ALICE })
      await unchangedAfter(dir, () => putPolicy(dir.file, ALICE, { name: 'own', text }), 'MALFORMED_POLICY')
    })
  }

  for (const [arn, limit] of [
    [ALICE, 2_048],
    [ROLE, 10_240],
  ] as const) {
    test(`lets ${arn.slice(26)} have ${limit} characters without white space, not one more`, async () => {
      await using dir = await setup()
      await addPrincipal(dir.file, { arn: ALICE })
      await addRole(dir.file, { arn: ROLE, trustPolicy: TRUST })
      await putPolicy(dir.file, arn, { name: 'small', text: policyText({}) })
      const topics = 'arn:aws:sns:us-east-1:000000000000:'
      const used = policyText({}).length + policyText({ Resource: topics }).length
      const sized = (size: number) =>
        JSON.stringify(JSON.parse(policyText({ Resource: `${topics}${'x'.repeat(size)}` })), undefined, 4)
      await putPolicy(dir.file, arn, { name: 'large', text: sized(limit - used) })
      await unchangedAfter(
        dir,
        () => putPolicy(dir.file, arn, { name: 'large', text: sized(limit - used + 1) }),
        'POLICY_TOO_LARGE',
      )
    })
  }

  test('refuses names that IAM does not allow, and one that would vanish', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE })
    await putPolicy(dir.file, ALICE, { name: 'p'.repeat(128), text: policyText({}) })
    for (const name of ['', 'a b', 'a/b', 'p'.repeat(129), '__proto__', 'a\n']) {
      await unchangedAfter(dir, () => putPolicy(dir.file, ALICE, { name, text: policyText({}) }), 'POLICY_NAME_INVALID')
    }
  })

  test('refuses roots and services, which have no policies', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ROOT })
    await addService(dir.file, { service: 's3.amazonaws.com' })
    for (const name of [ROOT, 's3.amazonaws.com']) {
      await unchangedAfter(
        dir,
        () => putPolicy(dir.file, name, { name: 'p', text: policyText({}) }),
        'PRINCIPAL_ARN_INVALID',
      )
    }
  })
})

suite('removePolicy()', () => {
  test('refuses a policy that is not there, also one named as what every object has', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE })
    for (const name of ['own', 'constructor', 'toString']) {
      await unchangedAfter(dir, () => removePolicy(dir.file, ALICE, { name }), 'POLICY_NOT_FOUND')
    }
  })
})

suite('putTrustPolicy()', () => {
  test('replaces who may assume a role, and refuses users and identity policies', async () => {
    await using dir = await setup()
    await addRole(dir.file, { arn: ROLE, trustPolicy: TRUST })
    await addPrincipal(dir.file, { arn: ALICE })
    const text = JSON.stringify(TRUST).replace('"*"', `{"AWS":"${ALICE}"}`)
    await putTrustPolicy(dir.file, ROLE, { text })
    assert.deepEqual(await readPolicyOf(dir.file, ROLE, {}), JSON.parse(text))
    await unchangedAfter(dir, () => putTrustPolicy(dir.file, ALICE, { text }), 'PRINCIPAL_ARN_INVALID')
    await unchangedAfter(dir, () => putTrustPolicy(dir.file, ROLE, { text: policyText({}) }), 'MALFORMED_POLICY')
  })
})

suite('changeAttributes()', () => {
  test('changes what is named and keeps the rest', async () => {
    await using dir = await setup()
    await addRole(dir.file, { arn: ROLE, trustPolicy: TRUST, tags: { team: 'a', stage: 'test' } })
    const kmsRoleArn = 'arn:aws:iam::111122223333:role/kms'
    await changeAttributes(dir.file, ROLE, { tags: { team: 'b' }, kmsRoleArn, maxSessionSeconds: 7_200 })
    await changeAttributes(dir.file, ROLE, { untag: ['stage'] })
    const [role] = await listPrincipals(dir.file)
    assert.deepEqual([role?.tags, role?.kmsRoleArn, role?.maxSessionSeconds], [{ team: 'b' }, kmsRoleArn, 7_200])
    await changeAttributes(dir.file, ROLE, { kmsRoleArn: null, untag: ['team'] })
    const [after] = await listPrincipals(dir.file)
    assert.deepEqual([after?.tags, after?.kmsRoleArn], [undefined, undefined])
  })

  test('writes nothing that could not be read', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE })
    await unchangedAfter(dir, () => changeAttributes(dir.file, ALICE, { tags: { 'aws:x': 'y' } }), 'DOCUMENT_INVALID')
    await unchangedAfter(
      dir,
      () => changeAttributes(dir.file, ALICE, { maxSessionSeconds: 3_600 }),
      'PRINCIPAL_ARN_INVALID',
    )
  })
})

suite('removePrincipal()', () => {
  test('removes one and keeps the others', async () => {
    await using dir = await setup()
    await addPrincipal(dir.file, { arn: ALICE })
    await addPrincipal(dir.file, { arn: BOB })
    await removePrincipal(dir.file, ALICE)
    assert.deepEqual(
      (await listPrincipals(dir.file)).map(({ arn }) => arn),
      [BOB],
    )
    await unchangedAfter(dir, () => removePrincipal(dir.file, ALICE), 'PRINCIPAL_NOT_FOUND')
  })
})

suite('listPrincipals()', () => {
  test('shows no secret, and the organization of each account', async () => {
    await using dir = await setup()
    const alice = await addPrincipal(dir.file, { arn: ALICE })
    const service = await addService(dir.file, { service: 's3.amazonaws.com' })
    await setOrganization(dir.file, '000000000000', { organizationId: 'o-abcdefghij' })
    const listed = await listPrincipals(dir.file)
    assert.equal(listed[0]?.organizationId, 'o-abcdefghij')
    for (const { secretAccessKey } of [alice, service]) assert.ok(!JSON.stringify(listed).includes(secretAccessKey))
    await setOrganization(dir.file, '000000000000', { organizationId: undefined })
    assert.equal((await listPrincipals(dir.file))[0]?.organizationId, undefined)
  })
})

suite('a file of version 1', () => {
  test('becomes version 2 with the first change, and its users keep what they could do', async () => {
    await using dir = await setup()
    const accessKeys = [{ id: 'AKIAABCDEFGHIJKLMNOP', secret: 's'.repeat(40), createdAt: 0 }]
    const old = { version: 1, principals: [{ arn: ALICE, userId: 'AIDAABCDEFGHIJKLMNOPQ', accessKeys }] }
    await writeFile(dir.file, JSON.stringify(old), { mode: 0o600 })
    await addPrincipal(dir.file, { arn: BOB })
    const written = JSON.parse(await readFile(dir.file, 'utf8'))
    assert.equal(written.version, 2)
    const listed = await listPrincipals(dir.file)
    assert.deepEqual(
      listed.map(({ arn, policies }) => [arn, policies]),
      [
        [ALICE, ['AdministratorAccess']],
        [BOB, []],
      ],
    )
    assert.equal((await stat(dir.file)).mode & 0o777, 0o600)
  })
})

function policyText(change: object): string {
  const statement = { Effect: 'Allow', Action: '*', Resource: '*', ...change }
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
}

type Directory = Awaited<ReturnType<typeof setup>>

async function keyIds(dir: Directory): Promise<string[] | undefined> {
  return (await listPrincipals(dir.file))[0]?.accessKeys.map(({ id }) => id)
}

async function unchangedAfter(dir: Directory, call: () => Promise<unknown>, code: string): Promise<void> {
  const before = await readFile(dir.file, 'utf8')
  await assert.rejects(call(), { code })
  assert.equal(await readFile(dir.file, 'utf8'), before)
}

async function setup() {
  const path = await mkdtemp(join(tmpdir(), 'principals-'))
  return {
    file: join(path, 'principals.json'),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
