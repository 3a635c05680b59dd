import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { compilePolicy } from '#shared/policy'
import type { Principal } from '#shared/principals'
import { permitDataKeys } from './permit-data-keys.ts'

const KEY = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const TOPIC = 'arn:aws:sns:us-east-1:111122223333:orders'
const USER = 'arn:aws:iam::111122223333:user/publisher'
const BOTH = ['kms:GenerateDataKey*', 'kms:Decrypt']

suite('permitDataKeys()', () => {
  test('asks for a key named by ARN only when both permissions are there', async () => {
    const { generate, asked } = setup(allow(BOTH))
    assert.equal((await generate(KEY)).keyArn, KEY)
    for (const actions of [['kms:GenerateDataKey'], ['kms:Decrypt'], ['kms:Encrypt'], ['sns:*']]) {
      const refused = setup(allow(actions))
      await assert.rejects(refused.generate(KEY), { code: 'KMS_ACCESS_DENIED' })
      assert.deepEqual(refused.asked, [], String(actions))
    }
    assert.deepEqual(asked, ['GenerateDataKey'])
  })

  test('says in the words of KMS what is lacking', async () => {
    await assert.rejects(setup(allow(['kms:GenerateDataKey'])).generate(KEY), {
      message: new RegExp(
        `^User: ${USER} is not authorized to perform: kms:Decrypt on resource: ${KEY} because no identity-based policy ` +
          'allows the kms:Decrypt action \\(Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; ',
      ),
    })
    const denied = setup([...allow(BOTH), ...allow(['kms:Decrypt'], { Effect: 'Deny' })])
    await assert.rejects(denied.generate(KEY), { message: /with an explicit deny in an identity-based policy/ })
  })

  test('decides about an alias by the key in the answer, wipes what is refused, and asks in vain once a period', async () => {
    const { generate, asked, plaintexts, clock } = setup(allow(BOTH, { Resource: KEY.replace('1234abcd', '5678abcd') }))
    await assert.rejects(generate('alias/app'), { code: 'KMS_ACCESS_DENIED' })
    assert.deepEqual(plaintexts, [Buffer.alloc(32)])
    await assert.rejects(generate('alias/app'), { code: 'KMS_ACCESS_DENIED' })
    assert.equal(asked.length, 1)
    clock.advance(300_000)
    await assert.rejects(generate('alias/app'), { code: 'KMS_ACCESS_DENIED' })
    assert.equal(asked.length, 2)
    const allowed = setup(allow(BOTH, { Resource: KEY }))
    assert.equal((await allowed.generate('alias/app')).keyArn, KEY)
  })

  test('tells conditions that SNS asks, for whom, and for which topic', async () => {
    const conditions = {
      'kms:ViaService': 'sns.us-east-1.amazonaws.com',
      'kms:CallerAccount': '111122223333',
      'kms:EncryptionContext:aws:sns:topicArn': TOPIC,
      'aws:PrincipalTag/team': 'shop',
    }
    for (const [key, value] of Object.entries(conditions)) {
      await setup(allow(BOTH, { Condition: { StringEquals: { [key]: value } } })).generate(KEY)
      const other = setup(allow(BOTH, { Condition: { StringEquals: { [key]: `${value}x` } } }))
      await assert.rejects(other.generate(KEY), { code: 'KMS_ACCESS_DENIED' }, key)
    }
  })

  test('narrows by a session policy, and gives services nothing', async () => {
    const sessionPolicy = compilePolicy(JSON.stringify(document(allow(['sns:*']))), { kind: 'identity' })
    await assert.rejects(setup(allow(BOTH), { kind: 'role-session', sessionPolicy }).generate(KEY), {
      message: /no session policy allows/,
    })
    await assert.rejects(setup(allow(BOTH), { kind: 'service', account: 'aws' }).generate(KEY), {
      code: 'KMS_ACCESS_DENIED',
    })
    await setup([], { kind: 'root' }).generate(KEY)
  })

  test('asks for no shared data key, and for nothing in the name of somebody unknown, without permission', async () => {
    const { permitted, asked } = setup(allow(['kms:GenerateDataKey']))
    const share = { encryptedDataKey: Buffer.alloc(1), keyArn: KEY, topicArn: TOPIC, purpose: 'share' } as const
    await assert.rejects(permitted.decrypt({ ...share, principal: USER }), { code: 'KMS_ACCESS_DENIED' })
    await assert.rejects(permitted.decrypt({ ...share, principal: `${USER}x` }), { code: 'KMS_ACCESS_DENIED' })
    assert.deepEqual(asked, [])
  })
})

suite('permitDataKeys() with a role for KMS', () => {
  test('leaves it to KMS, asked in that role, what the publisher may', async () => {
    const roleArn = 'arn:aws:iam::444455556666:role/kms'
    const { permitted, generate, roles } = setup([], { kmsRoleArn: roleArn })
    for (const keyId of [KEY, 'alias/app', 'alias/app']) assert.equal((await generate(keyId)).keyArn, KEY)
    const share = { encryptedDataKey: Buffer.alloc(1), keyArn: KEY, topicArn: TOPIC, purpose: 'share' } as const
    await permitted.decrypt({ ...share, principal: USER })
    assert.deepEqual(roles, Array(4).fill(roleArn))
    await assert.rejects(permitted.decrypt({ ...share, principal: `${USER}x` }), { code: 'KMS_ACCESS_DENIED' })
  })

  test('asks in no role for everybody else', async () => {
    const { generate, roles } = setup(allow(BOTH))
    await generate(KEY)
    assert.deepEqual(roles, [undefined])
  })
})

function allow(Action: string[], o: object = {}) {
  return [{ Effect: 'Allow', Action, Resource: '*', ...o }]
}

function document(Statement: object[]) {
  return { Version: '2012-10-17', Statement }
}

function setup(statements: object[], o: Partial<Principal> = {}) {
  const text = JSON.stringify(document(statements))
  const principal: Principal = {
    kind: 'user',
    arn: USER,
    account: '111122223333',
    userId: 'AIDATEST',
    policies: statements.length === 0 ? [] : [{ name: 'own', policy: compilePolicy(text, { kind: 'identity' }) }],
    tags: new Map([['team', 'shop']]),
    publisher: USER,
    version: '1',
    ...o,
  }
  const asked: string[] = []
  const roles: (string | undefined)[] = []
  const plaintexts: Buffer[] = []
  const kms = {
    async generateDataKey({ roleArn }: { roleArn?: string | undefined }) {
      roles.push(roleArn)
      asked.push('GenerateDataKey')
      const plaintext = Buffer.alloc(32, 1)
      plaintexts.push(plaintext)
      return { plaintext, encryptedDataKey: Buffer.alloc(64), keyArn: KEY }
    },
    async decrypt({ roleArn }: { roleArn?: string | undefined }) {
      roles.push(roleArn)
      asked.push('Decrypt')
      return Buffer.alloc(32, 1)
    },
  }
  const clock = createFakeClock()
  const findPublisher = (id: string) => (id === principal.publisher ? principal : undefined)
  const permitted = permitDataKeys(kms, { findPublisher, clock, rememberMs: 300_000 })
  const generate = (keyId: string) =>
    permitted.generateDataKey({ keyId, topicArn: TOPIC, principal: USER, purpose: 'issue' })
  return { permitted, generate, asked, roles, plaintexts, clock }
}
