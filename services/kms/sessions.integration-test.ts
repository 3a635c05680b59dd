/** What SNS asks for sessions of roles: decided by role, session policy, tags and source identity, and by no session's name. */

import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { CreateKeyCommand, DecryptCommand, GenerateDataKeyCommand, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import { failure } from '#shared/test-kms'
import { startTimedKms } from './testing/start-timed-kms.ts'

const ACCOUNT = '111122223333'
const ROLE = `arn:aws:iam::${ACCOUNT}:role/team/sender`
const ADA = `arn:aws:sts::${ACCOUNT}:assumed-role/sender/ada`
const TAGGED = headerOf('tags', { Team: 'orders' })

suite('a key policy on behalf of a session', () => {
  test('may ask for tags and source identity', async (t) => {
    const { isAllowed, put } = await setup(t)
    for (const [Condition, met, unmet] of [
      [{ 'aws:PrincipalTag/team': 'orders' }, TAGGED, headerOf('tags', { team: 'billing' })],
      [
        { 'aws:SourceIdentity': 'ada' },
        { 'x-sealcast-source-identity': 'ada' },
        { 'x-sealcast-source-identity': 'eve' },
      ],
    ] as const) {
      await put([{ ...allow(ROLE), Condition: { StringEquals: Condition } }])
      assert.equal(await isAllowed(met), true)
      assert.equal(await isAllowed(unmet), false)
      assert.equal(await isAllowed({}), false)
      await put([allow(ROLE), { ...deny('*'), Condition: { StringNotEquals: Condition } }])
      assert.equal(await isAllowed(met), true)
      assert.equal(await isAllowed({}), false)
    }
  })

  test('that names its role is narrowed by the session policy', async (t) => {
    const { isAllowed, put } = await setup(t)
    await put([allow(ROLE)])
    const limit = (Action: string) =>
      headerOf('policy', { Version: '2012-10-17', Statement: { Effect: 'Allow', Action, Resource: '*' } })
    assert.equal(await isAllowed(limit('kms:*')), true)
    assert.equal(await isAllowed(limit('sns:*')), false)
    assert.equal(await isAllowed(limit('kms:GenerateDataKey')), false)
  })

  test('allows nothing by the ARN of one session, whose data key the others would use', async (t) => {
    const { isAllowed, put } = await setup(t)
    await put([allow(ADA)])
    assert.equal(await isAllowed({}), false)
    await put([{ ...allow(ROLE), Condition: { StringLike: { 'aws:userid': '*:ada' } } }])
    assert.equal(await isAllowed({}), false)
    await put([{ ...allow(ROLE), Condition: { StringLike: { 'aws:userid': '*:*' } } }])
    assert.equal(await isAllowed({}), true)
  })

  test('that denies it to one session denies it to all of the role', async (t) => {
    const { isAllowed, put } = await setup(t)
    for (const Statement of [
      deny(ADA),
      deny(ADA, `arn:aws:iam::${ACCOUNT}:user/other`),
      { ...deny(), Principal: undefined, NotPrincipal: { AWS: [ROLE, ADA, `arn:aws:iam::${ACCOUNT}:root`, ADMIN] } },
    ]) {
      await put([allow(ROLE), Statement])
      assert.equal(await isAllowed({}), false)
    }
    await put([allow(ROLE), deny(`arn:aws:sts::${ACCOUNT}:assumed-role/other/ada`)])
    assert.equal(await isAllowed({}), true)
  })

  test('lets a worker open what was accepted, though only the publish knew tags and source identity', async (t) => {
    const { key, kms, put, generate } = await setup(t)
    const StringEquals = { 'aws:PrincipalTag/team': 'orders' }
    await put([
      { ...allow(ROLE), Condition: { StringEquals } },
      {
        ...deny('*'),
        Condition: { StringNotEqualsIfExists: { 'aws:SourceIdentity': 'ada' }, Bool: { 'aws:ViaAWSService': 'true' } },
      },
    ])
    const { CiphertextBlob } = await generate({ ...TAGGED, 'x-sealcast-source-identity': 'ada' })
    const open = (purpose: string) =>
      kms.asBrokerFor(ROLE, { purpose }).send(new DecryptCommand({ CiphertextBlob, KeyId: key }))
    await open('deliver')
    assert.equal((await failure(open('share'))).name, 'AccessDeniedException')
    await put([])
    assert.equal((await failure(open('deliver'))).name, 'AccessDeniedException')
  })
})

const ADMIN = `arn:aws:iam::${ACCOUNT}:user/test`

function allow(AWS: string) {
  return { Effect: 'Allow', Principal: { AWS }, Action: 'kms:*', Resource: '*' }
}

/** All but the administrator's own way back. */
function deny(...AWS: string[]) {
  return { ...allow(''), Effect: 'Deny', Principal: { AWS }, Action: ['kms:GenerateDataKey', 'kms:Decrypt'] }
}

function headerOf(what: 'tags' | 'policy', value: object): Record<string, string> {
  return { [`x-sealcast-session-${what}`]: Buffer.from(JSON.stringify(value)).toString('base64') }
}

async function setup(t: TestContext) {
  const kms = await startTimedKms(t)
  const admin = kms.as(ACCOUNT)
  const { KeyMetadata } = await admin.send(new CreateKeyCommand({}))
  const key = String(KeyMetadata?.Arn)
  const generate = (headers: Record<string, string>) =>
    kms
      .asBrokerFor(ROLE, { purpose: 'issue', headers })
      .send(new GenerateDataKeyCommand({ KeyId: key, KeySpec: 'AES_256' }))
  return {
    kms,
    key,
    generate,
    async put(statements: readonly object[]) {
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [allow(ADMIN), ...statements] })
      await admin.send(new PutKeyPolicyCommand({ KeyId: key, Policy }))
    },
    /** Nothing but a refusal of the permission counts as one. */
    async isAllowed(headers: Record<string, string>): Promise<boolean> {
      try {
        await generate(headers)
        return true
      } catch (error) {
        assert.equal((error as Error).name, 'AccessDeniedException')
        return false
      }
    },
  }
}
