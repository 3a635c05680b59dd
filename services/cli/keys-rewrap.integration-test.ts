import assert from 'node:assert/strict'
import { after, before, beforeEach, suite, test } from 'node:test'
import { CreateKeyCommand, DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { systemClock } from '#shared/clock'
import { rewrapNameOf } from '#shared/data-keys'
import { readKmsLedger } from '#shared/kms-ledger'
import { keys } from '#shared/stream-log'
import { REWRAP_REST_MS } from './keys/sweep-rewraps.ts'
import { type IssuedForTest, type KeysStage, startKeysStage, TOPIC_ARN } from './testing/keys-stage.ts'

suite('sealcast keys rewrap', () => {
  let stage: KeysStage
  let a: string
  let b: string
  before(async () => {
    stage = await startKeysStage()
  })
  beforeEach(async () => {
    const meta = await stage.redis.hgetall(keys.metaKey)
    await stage.redis.flushall()
    await stage.redis.hset(keys.metaKey, meta)
    stage.forged.length = 0
    ;[a, b] = [await stage.createKey(), await stage.createKey()]
  })
  after(() => stage[Symbol.asyncDispose]())

  test('re-encrypts each data key once, however many messages it sealed, and only those of the key', async () => {
    const [first, second, inUse, other] = [
      await stage.issue(a),
      await stage.issue(a),
      await stage.issue(a),
      await stage.issue(b),
    ]
    await stage.append(first, 100)
    await stage.append(second, 100)
    await stage.append(other)
    await stage.share(inUse, 60_000)
    const before = await stage.served('ReEncrypt')
    const { code, output } = await stage.run('keys', 'rewrap', '--from', a, '--to', b)
    assert.equal(output, `3 of 3 data keys rewrapped: they stand under ${b} now.\n`)
    assert.equal(code, 0)
    assert.equal((await stage.served('ReEncrypt')) - before, 3)
    await stage.admin.send(new DisableKeyCommand({ KeyId: a }))
    for (const issued of [first, second, inUse]) assert.deepEqual(await openedUnder(issued), [b, issued.plaintext])
    assert.equal(await stage.rewraps.find({ ...other.sealed, topicArn: TOPIC_ARN }), undefined)
  })

  test('done again, or begun again after it was ended, asks for what is left only', async () => {
    const issued = await Promise.all(Array.from({ length: 5 }, () => stage.issue(a)))
    for (const one of issued) await stage.append(one)
    assert.equal((await stage.run('keys', 'rewrap', '--from', a, '--to', b)).code, 0)
    const [lost] = issued
    assert.ok(lost)
    await stage.redis.del(`sealcast:{t:${TOPIC_ARN}}:rewrap:${nameOf(lost)}`)
    const before = await stage.served('ReEncrypt')
    assert.match((await stage.run('keys', 'rewrap', '--from', a, '--to', b)).output, /^1 of 1 /)
    assert.match((await stage.run('keys', 'rewrap', '--from', a, '--to', b)).output, /^0 of 0 /)
    assert.equal((await stage.served('ReEncrypt')) - before, 1)
  })

  test('moves a rewrapped data key on to a third KMS key, when the first is long gone', async () => {
    const c = await stage.createKey()
    const issued = await stage.issue(a)
    await stage.append(issued)
    await stage.run('keys', 'rewrap', '--from', a, '--to', b)
    await stage.admin.send(new DisableKeyCommand({ KeyId: a }))
    assert.equal((await stage.run('keys', 'rewrap', '--from', b, '--to', c)).code, 0)
    await stage.admin.send(new DisableKeyCommand({ KeyId: b }))
    assert.deepEqual(await openedUnder(issued), [c, issued.plaintext])
  })

  test('takes key ids, ARNs and aliases', async () => {
    const [fromAlias, toAlias] = [a, b].map((arn) => `alias/r-${arn.split('/')[1]}`)
    assert.ok(fromAlias && toAlias)
    await stage.createAlias(fromAlias, a)
    await stage.createAlias(toAlias, b)
    for (const [from, to] of [
      [a.split('/')[1] ?? '', b],
      [fromAlias, toAlias],
      [a.replace(/key\/.*/, fromAlias), b.split('/')[1] ?? ''],
    ] as const) {
      await stage.append(await stage.issue(a))
      const { code, output } = await stage.run('keys', 'rewrap', '--from', from, '--to', to, '--json')
      const printed = JSON.parse(output)
      assert.deepEqual([code, printed.from, printed.to, printed.rewrapped], [0, a, b, 1])
    }
  })

  test('rewraps data keys of another account, in the name of that account', async () => {
    const user = await stage.kms.addUser('arn:aws:iam::111122223333:user/ada')
    const admin = new KMSClient({ endpoint: stage.kms.endpoint, region: 'us-east-1', credentials: user })
    const make = async () => (await admin.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? ''
    const [from, to] = [await make(), await make()]
    admin.destroy()
    const topicArn = 'arn:aws:sns:us-east-1:111122223333:orders'
    const call = { keyId: from, topicArn, principal: user.arn, purpose: 'issue' as const }
    const { plaintext, encryptedDataKey, keyArn } = await stage.kmsClient.generateDataKey(call)
    await stage.append({ plaintext, sealed: { encryptedDataKey, keyArn }, topicArn })
    const { code, output, errors } = await stage.run('keys', 'rewrap', '--from', from, '--to', to)
    assert.deepEqual([code, output.slice(0, 7)], [0, '1 of 1 '], errors)
    assert.equal((await stage.rewraps.find({ encryptedDataKey, keyArn, topicArn }))?.keyArn, to)
  })

  test('refuses keys that are one, missing or disabled, and changes nothing', async () => {
    const alias = `alias/s-${a.split('/')[1]}`
    await stage.createAlias(alias, a)
    await stage.append(await stage.issue(a))
    const nowhere = a.replace(/[0-9a-f]{4}$/, 'ffff')
    const disabled = await stage.createKey()
    await stage.admin.send(new DisableKeyCommand({ KeyId: disabled }))
    const before = await stage.served('ReEncrypt')
    for (const [from, to, reason] of [
      [a, alias, /are the same key/],
      [a, nowhere, /does not exist/],
      [nowhere, b, /does not exist/],
      [a, disabled, /is Disabled; enable it first/],
      [disabled, b, /is Disabled; enable it first/],
      [a, 'alias/none-such', /is not found/],
    ] as const) {
      const { code, errors } = await stage.run('keys', 'rewrap', '--from', from, '--to', to)
      assert.equal(code, 2, errors)
      assert.match(errors, reason)
      assert.match(errors, /^[^\n]+\n$/)
    }
    for (const words of [[], ['--from', a], ['--to', b]]) {
      assert.equal((await stage.run('keys', 'rewrap', ...words)).code, 2)
    }
    assert.equal(await stage.served('ReEncrypt'), before)
    assert.deepEqual(await rewrapKeys(), [])
  })

  test('ends with the first call when KMS refuses the key as a whole, and changes nothing', async () => {
    for (let n = 0; n < 5; n++) await stage.append(await stage.issue(a))
    await stage.kms.faults.set({
      faults: [{ kind: 'error', name: 'AccessDeniedException', operations: ['ReEncrypt'] }],
    })
    const before = await stage.served('ReEncrypt')
    try {
      const { code, errors } = await stage.run('keys', 'rewrap', '--from', a, '--to', b)
      assert.deepEqual([code, /AccessDenied/.test(errors)], [2, true], errors)
      assert.equal((await stage.served('ReEncrypt')) - before, 1)
      assert.deepEqual(await rewrapKeys(), [])
    } finally {
      await stage.kms.faults.clear()
    }
  })

  test('does what can be done, tells what could not, and fails', async () => {
    const [good, bad] = [await stage.issue(a), await stage.issue(a)]
    await stage.append({ ...bad, sealed: { ...bad.sealed, encryptedDataKey: Buffer.from('not of this KMS') } })
    await stage.append(good)
    const { code, output, errors } = await stage.run('keys', 'rewrap', '--from', a, '--to', b)
    assert.equal(output, `1 of 2 data keys rewrapped: they stand under ${b} now.\n1 could not be: KMS_INTEGRITY (1).\n`)
    assert.equal(code, 1)
    assert.match(
      errors,
      /^sealcast: Some data keys still stand under .*: KMS_INTEGRITY \(1\)\. Run the same command again\n$/,
    )
    assert.deepEqual(await openedUnder(good), [b, good.plaintext])
  })

  test('leaves quarantined messages as they are', async () => {
    await stage.append(await stage.issue(a))
    const lease = await stage.lease()
    const [claimed] = await lease.claim(1)
    assert.ok(claimed)
    await lease.quarantine(claimed, 'KMS_INTEGRITY')
    assert.match((await stage.run('keys', 'rewrap', '--from', a, '--to', b)).output, /^0 of 0 /)
    await lease.release()
  })

  test('does not trust a record that somebody else wrote, and replaces it', async () => {
    const [issued, known] = [await stage.issue(a), await stage.issue(b)]
    await stage.append(issued)
    const forged = { version: 1, topicArn: TOPIC_ARN, sourceKeyArn: a, keyArn: b, rewrappedAt: 1, mac: '0000000a.x' }
    const at = `sealcast:{t:${TOPIC_ARN}}:rewrap:${nameOf(issued)}`
    const encryptedDataKey = known.sealed.encryptedDataKey.toString('base64')
    await stage.redis.set(at, JSON.stringify({ ...forged, encryptedDataKey }))
    const { code, output, errors } = await stage.run('keys', 'rewrap', '--from', a, '--to', b)
    assert.deepEqual([code, output.slice(0, 7)], [0, '1 of 1 '])
    assert.match(errors, /a stored record of kind rewrap of arn:aws:sns:\S+ does not verify and is not trusted/)
    assert.deepEqual(await openedUnder(issued), [b, issued.plaintext])
  })

  test('counts its requests in the ledger, as those of the publisher, and with their purpose', async () => {
    await stage.append(await stage.issue(a))
    await stage.run('keys', 'rewrap', '--from', a, '--to', b)
    const month = new Date(systemClock.now()).toISOString().slice(0, 7)
    const [pair] = await readKmsLedger({ redis: stage.redis, topicArn: TOPIC_ARN, month })
    assert.equal(pair?.principal, 'arn:aws:iam::000000000000:user/gone')
    assert.deepEqual(pair.calls, [{ operation: 'ReEncrypt', purpose: 'rewrap', isOk: true, count: 1 }])
  })

  test('removes records that nothing needs any more, but none that a message or a gateway may need', async () => {
    const [gone, waiting, young] = [await stage.issue(a), await stage.issue(a), await stage.issue(a)]
    for (const [issued, ageMs] of [
      [gone, REWRAP_REST_MS + 1_000],
      [waiting, REWRAP_REST_MS + 1_000],
      [young, 0],
    ] as const) {
      const key = { ...issued.sealed, topicArn: TOPIC_ARN }
      const by = { encryptedDataKey: Buffer.from('x'), keyArn: b, rewrappedAt: systemClock.now() - ageMs }
      await stage.rewraps.replace(key, { by, stored: (await stage.rewraps.look(key)).stored })
    }
    await stage.append(waiting)
    await stage.run('keys', 'rewrap', '--from', a, '--to', b)
    assert.deepEqual(await rewrapKeys(), [nameOf(waiting), nameOf(young)].toSorted())
  })

  test('goes together with the list: safe to disable is what was rewrapped', async () => {
    await stage.append(await stage.issue(a), 3)
    await stage.run('keys', 'rewrap', '--from', a, '--to', b)
    await stage.admin.send(new DisableKeyCommand({ KeyId: a }))
    const [{ code, output, errors }, json] = await Promise.all([stage.run('keys'), stage.run('keys', '--json')])
    assert.equal(code, 0)
    assert.match(errors, /^Looking at topics/)
    assert.match(
      output,
      new RegExp(`\n${a} +0 +0 +0 +0 +0 +0 +– +safe\n  1 data keys that name it stand under another key now\n`),
    )
    assert.match(output, new RegExp(`\n${b} +3 +0 +0 +0 +0 +1 +\\d+s +no\n  3 messages need it to be delivered`))
    const printed = JSON.parse(json.output)
    const safe = printed.keys.map(({ keyArn, safe }: { keyArn: string; safe: boolean }) => [keyArn, safe])
    assert.deepEqual(Object.fromEntries(safe), { [a]: true, [b]: false })
    await stage.admin.send(new EnableKeyCommand({ KeyId: a }))
  })

  const nameOf = ({ sealed, topicArn }: IssuedForTest) => rewrapNameOf({ ...sealed, topicArn })

  /** @returns the KMS key that opens it, and what it opens to, on behalf of a publisher that is gone */
  async function openedUnder({ sealed, topicArn }: IssuedForTest): Promise<[string, Buffer]> {
    const rewrapped = await stage.rewraps.find({ ...sealed, topicArn })
    assert.ok(rewrapped)
    const { encryptedDataKey, keyArn } = rewrapped
    const principal = 'arn:aws:iam::000000000000:user/gone'
    const call = { encryptedDataKey, keyArn, topicArn, principal, purpose: 'deliver' as const }
    return [keyArn, await stage.kmsClient.decrypt(call)]
  }

  async function rewrapKeys(): Promise<string[]> {
    const found = await stage.redis.keys('sealcast:{t:*}:rewrap:*')
    return found.map((key) => key.slice(-64)).toSorted()
  }
})
