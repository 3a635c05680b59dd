import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import type { Topic } from '#shared/catalog'
import { createFakeClock } from '#shared/clock'
import type { DataKeyPair } from '#shared/data-keys'
import { deriveDataKey, open } from '#shared/envelope'
import type { Message } from '#shared/sns-wire'
import type { Entry } from '#shared/stream-log'
import { createSealAndAppend } from './seal-and-append.ts'

const ARN = 'arn:aws:sns:us-east-1:000000000000:orders'
const ADA = 'arn:aws:iam::000000000000:user/ada'
const GROUNDS = { sourceAccount: '111122223333' }
const MESSAGE: Message = {
  body: 'three crates',
  subject: 'Order',
  attributes: [{ name: 'kind', dataType: 'String', value: 'new' }],
}
const STRUCTURED: Message = { body: '{"default":"é"}', attributes: [], structure: 'json', groupId: 'customer-7' }

suite('sealAndAppend()', () => {
  test('appends envelopes that open under what each entry says of itself, in one batch', async () => {
    const { sealAndAppend, batches, entries, dataKey, uses } = setup({ kmsMasterKeyId: 'alias/a' })
    const messages = [MESSAGE, STRUCTURED, MESSAGE]
    const messageIds = await sealAndAppend(messages)
    assert.deepEqual(batches, [3])
    assert.deepEqual(
      entries.map(({ messageId }) => messageId),
      messageIds,
    )
    assert.equal(new Set(messageIds).size, 3)
    for (const [at, entry] of entries.entries()) {
      assert.ok(entry.sealed)
      assert.ok(!entry.body.includes('crates') && !entry.body.includes('default'))
      const { topicArn, messageId, principal, subject, attributes, structure, groupId, acceptedAt } = entry
      const header = {
        attributes,
        acceptedAt,
        ...(subject !== undefined && { subject }),
        ...(structure !== undefined && { structure }),
        ...(groupId !== undefined && { groupId }),
      }
      const context = { topicArn, messageId, principal, header }
      assert.equal(open(entry.body, { dataKey, context }).toString(), messages[at]?.body)
    }
    const pair = { topicArn: ARN, principal: ADA, configuredKeyId: 'alias/a', grounds: GROUNDS }
    assert.deepEqual(uses, [{ pair, messages: 3 }])
  })

  test('binds structure and group to the envelope', async () => {
    const { sealAndAppend, entries, dataKey } = setup({ kmsMasterKeyId: 'alias/a' })
    await sealAndAppend([STRUCTURED])
    const [entry] = entries
    assert.ok(entry)
    const { topicArn, messageId, principal, attributes, acceptedAt } = entry
    for (const bare of [{}, { structure: 'json' }, { groupId: 'customer-7' }]) {
      const context = { topicArn, messageId, principal, header: { attributes, acceptedAt, ...bare } }
      assert.throws(() => open(entry.body, { dataKey, context }), { code: 'ENVELOPE_AUTHENTICATION_FAILED' })
    }
  })

  test('appends the texts of an unsealed topic and asks for no data key', async () => {
    const { sealAndAppend, entries, uses } = setup({})
    await sealAndAppend([MESSAGE, STRUCTURED])
    assert.deepEqual(
      entries.map(({ body, structure, groupId, sealed }) => [body.toString(), structure, groupId, sealed]),
      [
        [MESSAGE.body, undefined, undefined, undefined],
        [STRUCTURED.body, 'json', 'customer-7', undefined],
      ],
    )
    assert.deepEqual(uses, [])
  })

  test('appends a message alone without the script for batches', async () => {
    const { sealAndAppend, batches, entries } = setup({})
    await sealAndAppend([MESSAGE])
    assert.deepEqual([batches, entries.length], [[], 1])
  })

  test('does nothing for no messages', async () => {
    const { sealAndAppend, batches, uses, published } = setup({ kmsMasterKeyId: 'alias/a' })
    assert.deepEqual(await sealAndAppend([]), [])
    assert.deepEqual([batches, uses, published], [[], [], []])
  })

  test('stores nothing when no data key can be had', async () => {
    const { sealAndAppend, entries, published } = setup({ kmsMasterKeyId: 'alias/a' }, { noKey: true })
    await assert.rejects(sealAndAppend([MESSAGE, MESSAGE]), { message: 'no key' })
    assert.deepEqual(entries, [])
    assert.deepEqual(published, [])
  })

  test('counts a call only once it is stored, with its messages and their bytes', async () => {
    const { sealAndAppend, published } = setup({}, { noRedis: true })
    await assert.rejects(sealAndAppend([MESSAGE]), { message: 'no redis' })
    await assert.rejects(sealAndAppend([MESSAGE, MESSAGE]), { message: 'no redis' })
    assert.deepEqual(published, [])
    const working = setup({})
    await working.sealAndAppend([MESSAGE, STRUCTURED])
    assert.deepEqual(working.published, [{ topicArn: ARN, sealed: false, messages: 2, bodyBytes: 12 + 16 }])
  })
})

function setup(attributes: Topic['attributes'], o: { noKey?: boolean; noRedis?: boolean } = {}) {
  const entries: Entry[] = []
  /** Sizes of what was appended as a batch. */
  const batches: number[] = []
  const published: unknown[] = []
  const uses: { pair: DataKeyPair; messages: number | undefined }[] = []
  const dataKey = deriveDataKey(randomBytes(16), randomBytes(32))
  const topic: Topic = { arn: ARN, incarnation: 'a'.repeat(32), owner: '000000000000', createdAt: 0, attributes }
  const sealAndAppend = createSealAndAppend({
    clock: createFakeClock(),
    onPublished: (one) => published.push(one),
    appender: {
      async append(entry) {
        if (o.noRedis) throw new Error('no redis')
        entries.push(entry)
      },
      async appendBatch(batch) {
        if (o.noRedis) throw new Error('no redis')
        batches.push(batch.length)
        entries.push(...batch)
      },
    },
    sealingKeys: {
      async use(pair, work, messages) {
        if (o.noKey) throw new Error('no key')
        uses.push({ pair, messages })
        return work({ dataKey, encryptedDataKey: Buffer.from('edk'), keyArn: 'arn:aws:kms:…', issuedAt: 0 })
      },
    },
  })
  return {
    entries,
    batches,
    published,
    uses,
    dataKey,
    sealAndAppend: (messages: readonly Message[]) =>
      sealAndAppend({ topic, store: (write) => write(performance.now()) }, { id: ADA, grounds: GROUNDS }, messages),
  }
}
