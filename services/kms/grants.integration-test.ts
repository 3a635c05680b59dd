/** Grants through the AWS SDK and CLI: made, listed, used, revoked and retired, over restarts and kill -9. */

import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import {
  CreateGrantCommand,
  type CreateGrantCommandInput,
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  KMSClient,
  ListGrantsCommand,
  ListRetirableGrantsCommand,
  RetireGrantCommand,
  RevokeGrantCommand,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms'
import { refuses, startTestKms, type TestCredential } from '#shared/test-kms'
import { DAY_MS } from './key-lifecycle.ts'
import { startTimedKms } from './testing/start-timed-kms.ts'

const hasCli = spawnSync('aws', ['--version']).status === 0

const OTHER = 'arn:aws:iam::444455556666:user/other'
const Plaintext = new Uint8Array([1])
const ENCRYPT: Pick<CreateGrantCommandInput, 'Operations' | 'GranteePrincipal'> = {
  Operations: ['Encrypt'],
  GranteePrincipal: OTHER,
}

suite('CreateGrant', () => {
  test('lets a principal of another account do what it names, at once, and nothing else', async (t) => {
    const { admin, other, KeyId } = await setup(t)
    await refuses(other.send(new EncryptCommand({ KeyId, Plaintext })), 'AccessDeniedException')
    const { GrantId, GrantToken } = await admin.send(new CreateGrantCommand({ KeyId, ...ENCRYPT }))
    assert.match(String(GrantId), /^[0-9a-f]{64}$/)
    const encrypted = await other.send(new EncryptCommand({ KeyId, Plaintext, GrantTokens: [String(GrantToken)] }))
    assert.equal(encrypted.KeyId, KeyId)
    await refuses(other.send(new DescribeKeyCommand({ KeyId })), 'AccessDeniedException')
    await admin.send(new RevokeGrantCommand({ KeyId, GrantId }))
    await refuses(other.send(new EncryptCommand({ KeyId, Plaintext })), 'AccessDeniedException')
    const late = other.send(new EncryptCommand({ KeyId, Plaintext, GrantTokens: [String(GrantToken)] }))
    await refuses(late, 'InvalidGrantTokenException')
  })

  test('allows only what meets its constraint', async (t) => {
    const { admin, other, KeyId } = await setup(t)
    const encrypt = (EncryptionContext: Record<string, string>) =>
      other.send(new EncryptCommand({ KeyId, Plaintext, EncryptionContext }))
    const exact = { EncryptionContextEquals: { topic: 'orders' } }
    const { GrantId } = await admin.send(new CreateGrantCommand({ KeyId, ...ENCRYPT, Constraints: exact }))
    await encrypt({ topic: 'orders' })
    for (const context of [{}, { topic: 'Orders' }, { topic: 'orders', more: '' }]) {
      await refuses(encrypt(context), 'AccessDeniedException')
    }
    await admin.send(new RevokeGrantCommand({ KeyId, GrantId }))
    const subset = { EncryptionContextSubset: { topic: 'orders' } }
    await admin.send(new CreateGrantCommand({ KeyId, ...ENCRYPT, Constraints: subset }))
    await encrypt({ topic: 'orders', more: '' })
    await refuses(encrypt({ more: '' }), 'AccessDeniedException')
  })

  test('of a named grant again gives its id, with a token of its own', async (t) => {
    const { admin, KeyId } = await setup(t)
    const make = (o: Partial<CreateGrantCommandInput>) =>
      admin.send(new CreateGrantCommand({ KeyId, ...ENCRYPT, Operations: ['Encrypt', 'DescribeKey'], ...o }))
    const [first, again] = [
      await make({ Name: 'n' }),
      await make({ Name: 'n', Operations: ['DescribeKey', 'Encrypt'] }),
    ]
    assert.equal(again.GrantId, first.GrantId)
    assert.notEqual(again.GrantToken, first.GrantToken)
    const others = [await make({}), await make({}), await make({ Name: 'n', Operations: ['Encrypt'] })]
    assert.equal(new Set([first, ...others].map(({ GrantId }) => GrantId)).size, 4)
    // Both tokens are of the one grant.
    await admin.send(new RetireGrantCommand({ GrantToken: again.GrantToken }))
    await refuses(admin.send(new RetireGrantCommand({ GrantToken: first.GrantToken })), 'InvalidGrantTokenException')
  })

  test('by a grantee makes narrower grants only', async (t) => {
    const { admin, other, third, KeyId } = await setup(t)
    const hand = (o: Partial<CreateGrantCommandInput>) =>
      other.send(
        new CreateGrantCommand({ KeyId, GranteePrincipal: third.credential.arn, Operations: ['Encrypt'], ...o }),
      )
    await refuses(hand({}), 'AccessDeniedException')
    const Constraints = { EncryptionContextSubset: { topic: 'orders' } }
    const Operations: CreateGrantCommandInput['Operations'] = ['Encrypt', 'CreateGrant']
    await admin.send(new CreateGrantCommand({ KeyId, GranteePrincipal: OTHER, Operations, Constraints }))
    await refuses(hand({}), 'AccessDeniedException')
    await refuses(hand({ Constraints, Operations: ['Encrypt', 'DescribeKey'] }), 'AccessDeniedException')
    await refuses(hand({ Constraints: { EncryptionContextEquals: { topic: 'bills' } } }), 'AccessDeniedException')
    await hand({ Constraints: { EncryptionContextEquals: { topic: 'orders' } } })
    await third.client.send(new EncryptCommand({ KeyId, Plaintext, EncryptionContext: { topic: 'orders' } }))
    await refuses(third.client.send(new EncryptCommand({ KeyId, Plaintext })), 'AccessDeniedException')
    const { Grants = [] } = await admin.send(new ListGrantsCommand({ KeyId, GranteePrincipal: third.credential.arn }))
    assert.deepEqual(
      Grants.map(({ IssuingAccount }) => IssuingAccount),
      ['arn:aws:iam::444455556666:root'],
    )
  })

  test('by the AWS CLI is taken', { skip: !hasCli && 'there is no AWS CLI here' }, async (t) => {
    const { kms, admin, KeyId } = await setup(t)
    const { accessKeyId, secretAccessKey } = kms.user
    const { stdout } = await promisify(execFile)(
      'aws',
      [
        ...['kms', 'create-grant', '--key-id', KeyId, '--grantee-principal', OTHER, '--operations', 'Decrypt'],
        ...['--name', 'by-cli', '--constraints', 'EncryptionContextSubset={topic=orders}'],
        ...['--endpoint-url', kms.endpoint, '--region', 'us-east-1', '--output', 'json'],
      ],
      { env: { ...process.env, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } },
    )
    const { Grants = [] } = await admin.send(new ListGrantsCommand({ KeyId, GrantId: JSON.parse(stdout).GrantId }))
    assert.deepEqual(
      Grants.map(({ Name, Constraints }) => [Name, Constraints]),
      [['by-cli', { EncryptionContextSubset: { topic: 'orders' } }]],
    )
  })
})

suite('ListGrants and ListRetirableGrants', () => {
  test('show every grant once, in pages, as it was made', async (t) => {
    const { kms, admin, KeyId } = await setup(t)
    const RetiringPrincipal = kms.user.arn
    const made: (string | undefined)[] = []
    for (let i = 0; i < 7; i++) {
      const Name = i === 0 ? undefined : `n${i}`
      made.push((await admin.send(new CreateGrantCommand({ KeyId, ...ENCRYPT, Name, RetiringPrincipal }))).GrantId)
    }
    const page = (Marker?: string) => admin.send(new ListGrantsCommand({ KeyId, Limit: 3, Marker }))
    const seen = []
    for (let next = await page(); ; next = await page(next.NextMarker)) {
      seen.push(...(next.Grants ?? []))
      if (!next.Truncated) break
    }
    assert.deepEqual(seen.map(({ GrantId }) => GrantId).sort(), made.toSorted())
    const { CreationDate, ...unnamed } = seen.find(({ GrantId }) => GrantId === made[0]) ?? {}
    assert.ok(CreationDate instanceof Date)
    assert.deepEqual(unnamed, {
      KeyId,
      GrantId: made[0],
      Name: '',
      GranteePrincipal: OTHER,
      RetiringPrincipal,
      IssuingAccount: `arn:aws:iam::${kms.user.arn.split(':')[4]}:root`,
      Operations: ['Encrypt'],
    })
    const retirable = (Marker?: string) =>
      admin.send(new ListRetirableGrantsCommand({ RetiringPrincipal, Limit: 5, Marker }))
    const first = await retirable()
    const second = await retirable(first.NextMarker)
    assert.equal(first.Truncated, true)
    assert.equal(second.Truncated, false)
    const ids = [...(first.Grants ?? []), ...(second.Grants ?? [])].map(({ GrantId }) => GrantId)
    assert.deepEqual(ids.toSorted(), made.toSorted())
    await refuses(
      admin.send(new ListRetirableGrantsCommand({ RetiringPrincipal, Marker: first.NextMarker?.slice(0, -1) })),
      'InvalidMarkerException',
    )
  })
})

suite('RetireGrant', () => {
  test('tells nobody whether there is the key of a grant that there is not', async (t) => {
    const { admin, other, KeyId } = await setup(t)
    const GrantId = '0'.repeat(64)
    for (const client of [admin, other]) {
      for (const named of [KeyId, KeyId.replace(/[^/]*$/, randomUUID())]) {
        const text = `The grant ${GrantId} is not one of the key.`
        await refuses(client.send(new RetireGrantCommand({ KeyId: named, GrantId })), 'InvalidGrantIdException', text)
      }
    }
  })

  test('is for the retiring principal and a grantee that was granted it, by token or id', async (t) => {
    const { admin, other, third, KeyId } = await setup(t)
    const make = async (o: Partial<CreateGrantCommandInput>) =>
      (await admin.send(new CreateGrantCommand({ KeyId, ...ENCRYPT, ...o }))).GrantId
    const plain = await make({})
    await refuses(other.send(new RetireGrantCommand({ KeyId, GrantId: plain })), 'AccessDeniedException')
    await refuses(third.client.send(new RetireGrantCommand({ KeyId, GrantId: plain })), 'AccessDeniedException')
    const own = await make({ Operations: ['Encrypt', 'RetireGrant'] })
    await other.send(new RetireGrantCommand({ KeyId, GrantId: own }))
    const retirable = await make({ RetiringPrincipal: third.credential.arn })
    const dry = third.client.send(new RetireGrantCommand({ KeyId, GrantId: retirable, DryRun: true }))
    await refuses(dry, 'DryRunOperationException')
    await third.client.send(new RetireGrantCommand({ KeyId, GrantId: retirable }))
    await refuses(third.client.send(new RetireGrantCommand({ KeyId, GrantId: retirable })), 'InvalidGrantIdException')
    // The account that made it.
    const revoke = admin.send(new RevokeGrantCommand({ KeyId, GrantId: plain, DryRun: true }))
    await refuses(revoke, 'DryRunOperationException')
    await admin.send(new RetireGrantCommand({ KeyId, GrantId: plain }))
    assert.deepEqual((await admin.send(new ListGrantsCommand({ KeyId }))).Grants, [])
  })
})

suite('policies about grants', () => {
  test('look at the grantee, the operations, the constraint and its pairs of CreateGrant', async (t) => {
    const { kms, KeyId } = await setup(t)
    const constrained = { Constraints: { EncryptionContextEquals: { topic: 'orders' } } }
    const cases: [string, object, Partial<CreateGrantCommandInput>, boolean][] = [
      ['grantee', { StringEquals: { 'kms:GranteePrincipal': OTHER } }, {}, true],
      ['another-grantee', { StringEquals: { 'kms:GranteePrincipal': `${OTHER}x` } }, {}, false],
      ['operations', { 'ForAllValues:StringEquals': { 'kms:GrantOperations': ['Encrypt', 'Decrypt'] } }, {}, true],
      ['more-operations', { 'ForAllValues:StringEquals': { 'kms:GrantOperations': ['Decrypt'] } }, {}, false],
      ['type', { StringEquals: { 'kms:GrantConstraintType': 'EncryptionContextEquals' } }, constrained, true],
      ['no-constraint', { StringEquals: { 'kms:GrantConstraintType': 'EncryptionContextEquals' } }, {}, false],
      ['pair', { StringEquals: { 'kms:EncryptionContext:topic': 'orders' } }, constrained, true],
      ['another-pair', { StringEquals: { 'kms:EncryptionContext:topic': 'bills' } }, constrained, false],
    ]
    for (const [name, Condition, o, isAllowed] of cases) {
      const Statement = [{ Effect: 'Allow', Action: 'kms:CreateGrant', Resource: '*', Condition }]
      const account = kms.user.arn.split(':')[4]
      const own = { Version: '2012-10-17', Statement }
      const client = clientOf(t, kms, await kms.addUser(`arn:aws:iam::${account}:user/${name}`, { own }))
      const sent = client.send(new CreateGrantCommand({ KeyId, ...ENCRYPT, ...o }))
      if (isAllowed) await sent
      else await refuses(sent, 'AccessDeniedException')
    }
  })

  test('decide who of the account that made a grant may retire it, and may deny it to the grantee', async (t) => {
    const { kms, admin, KeyId } = await setup(t)
    const arn = `arn:aws:iam::${kms.user.arn.split(':')[4]}:user`
    const policy = (Effect: string) => ({
      own: { Version: '2012-10-17', Statement: [{ Effect, Action: 'kms:RetireGrant', Resource: '*' }] },
    })
    const bare = clientOf(t, kms, await kms.addUser(`${arn}/bare`, {}))
    const retirer = clientOf(t, kms, await kms.addUser(`${arn}/retirer`, policy('Allow')))
    const denied = clientOf(t, kms, await kms.addUser(`${arn}/denied`, policy('Deny')))
    const { GrantId } = await admin.send(
      new CreateGrantCommand({ KeyId, Operations: ['RetireGrant'], GranteePrincipal: `${arn}/denied` }),
    )
    for (const client of [bare, denied]) {
      await refuses(client.send(new RetireGrantCommand({ KeyId, GrantId })), 'AccessDeniedException')
    }
    await refuses(bare.send(new ListGrantsCommand({ KeyId })), 'AccessDeniedException')
    const RetiringPrincipal = `${arn}/bare`
    await refuses(bare.send(new ListRetirableGrantsCommand({ RetiringPrincipal })), 'AccessDeniedException')
    await retirer.send(new RetireGrantCommand({ KeyId, GrantId }))
  })
})

suite('grants and the state of their key', () => {
  test('are listed, revoked and retired whatever it is, and go with the key', async (t) => {
    const kms = await startTimedKms(t)
    const admin = kms.as('111122223333')
    const KeyId = (await admin.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
    const make = async () => (await admin.send(new CreateGrantCommand({ KeyId, ...ENCRYPT }))).GrantId
    const ids = [await make(), await make(), await make(), await make()]
    await admin.send(new DisableKeyCommand({ KeyId }))
    await refuses(make(), 'DisabledException', `${KeyId} is disabled.`)
    await admin.send(new RevokeGrantCommand({ KeyId, GrantId: ids[0] }))
    await admin.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
    await refuses(make(), 'KMSInvalidStateException', `${KeyId} is pending deletion.`)
    await admin.send(new RetireGrantCommand({ KeyId, GrantId: ids[1] }))
    assert.equal((await admin.send(new ListGrantsCommand({ KeyId }))).Grants?.length, 2)
    await kms.restart({ afterMs: 1 })
    const again = kms.as('111122223333')
    assert.equal((await again.send(new ListGrantsCommand({ KeyId }))).Grants?.length, 2)
    await kms.restart({ afterMs: 8 * DAY_MS })
    await refuses(kms.as('111122223333').send(new ListGrantsCommand({ KeyId })), 'NotFoundException')
    assert.deepEqual(await readdir(join(kms.dir, 'grants')), [])
  })

  test('that were altered on disk stop the start', async (t) => {
    const kms = await startTimedKms(t)
    const admin = kms.as('111122223333')
    const KeyId = (await admin.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
    await admin.send(new CreateGrantCommand({ KeyId, ...ENCRYPT }))
    const [name = ''] = await readdir(join(kms.dir, 'grants'))
    const path = join(kms.dir, 'grants', name)
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('user/other', 'user/thief'))
    await assert.rejects(kms.restart({ afterMs: 0 }), { code: 'KEYSTORE_DAMAGED' })
    await writeFile(path, text)
  })
})

suite('a KMS that is killed', () => {
  test('has every grant it answered and none it revoked, over 6 kill -9', { timeout: 120_000 }, async (t) => {
    await using kms = await startTestKms()
    let admin = clientOf(t, kms, kms.user)
    const KeyId = (await admin.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
    const there = new Set<string>()
    const unknown = new Set<string>()
    const revoked = new Set<string>()
    for (let round = 0; round < 6; round++) {
      let answers = 0
      const { promise: enough, resolve } = Promise.withResolvers<void>()
      const live = async () => {
        for (;;) {
          const { GrantId = '' } = await admin.send(new CreateGrantCommand({ KeyId, ...ENCRYPT }))
          there.add(GrantId)
          answers += 1
          if (answers % 3 === 0) {
            there.delete(GrantId)
            unknown.add(GrantId)
            await admin.send(new RevokeGrantCommand({ KeyId, GrantId }))
            unknown.delete(GrantId)
            revoked.add(GrantId)
          }
          if (answers > 5 + round * 3) resolve()
        }
      }
      const living = Promise.allSettled([live(), live(), live()])
      await enough
      await kms.kill()
      await living
      await kms.start()
      admin = clientOf(t, kms, kms.user)
      const listed = new Set<string>()
      for (let Marker: string | undefined; ; ) {
        const page = await admin.send(new ListGrantsCommand({ KeyId, Limit: 100, Marker }))
        for (const { GrantId = '' } of page.Grants ?? []) listed.add(GrantId)
        Marker = page.NextMarker
        if (Marker === undefined) break
      }
      for (const id of there) assert.ok(listed.has(id), `lost ${id}`)
      for (const id of revoked) assert.ok(!listed.has(id), `still there: ${id}`)
      // Each caller may have had one grant made, and one revoked, whose answers it never got.
      const more = [...listed].filter((id) => !there.has(id) && !unknown.has(id))
      assert.ok(more.length <= 3 * (round + 1), `${more.length} that nobody was told of`)
    }
    assert.ok(revoked.size > 0)
    t.diagnostic(`${there.size} grants, ${revoked.size} revoked`)
  })
})

function clientOf(t: TestContext, { endpoint }: { endpoint: string }, credentials: TestCredential): KMSClient {
  const client = new KMSClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 })
  t.after(() => client.destroy())
  return client
}

async function setup(t: TestContext) {
  const kms = await startTestKms()
  t.after(() => kms[Symbol.asyncDispose]())
  const admin = clientOf(t, kms, kms.user)
  const other = clientOf(t, kms, await kms.addUser(OTHER))
  const credential = await kms.addUser('arn:aws:iam::777788889999:user/third')
  const KeyId = (await admin.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
  return { kms, admin, other, third: { credential, client: clientOf(t, kms, credential) }, KeyId }
}
