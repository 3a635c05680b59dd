import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import type { Topic } from '#shared/catalog'
import { createFakeClock } from '#shared/clock'
import type { DataKeyPair } from '#shared/data-keys'
import { deriveDataKey, open } from '#shared/envelope'
import type { Entry } from '#shared/stream-log'
import { createSealAndAppend } from './seal-and-append.ts'

const ARN = 'arn:aws:sns:us-east-1:000000000000:orders'
const ADA = 'arn:aws:iam::000000000000:user/ada'
const MESSAGE = {
  body: 'three crates',
  subject: 'Order',
  attributes: [{ name: 'kind', dataType: 'String', value: 'new' }],
}

suite('sealAndAppend()', () => {
  test('appends an envelope that opens under what the entry says of itself', async () => {
    const { sealAndAppend, entries, dataKey, pairs } = setup({ kmsMasterKeyId: 'alias/a' })
    const messageId = await sealAndAppend(ADA)
    const [entry] = entries
    assert.ok(entry?.sealed)
    assert.ok(!entry.body.includes(MESSAGE.body))
    const { subject, attributes, acceptedAt } = entry
    const header = { ...(subject === undefined ? {} : { subject }), attributes, acceptedAt }
    const context = { topicArn: entry.topicArn, messageId, principal: entry.principal, header }
    assert.equal(open(entry.body, { dataKey, context }).toString(), MESSAGE.body)
    assert.deepEqual(pairs, [{ topicArn: ARN, principal: ADA, configuredKeyId: 'alias/a' }])
  })

  test('appends the text of an unsealed topic and asks for no data key', async () => {
    const { sealAndAppend, entries, pairs } = setup({})
    await sealAndAppend(ADA)
    assert.equal(entries[0]?.body.toString(), MESSAGE.body)
    assert.equal(entries[0]?.sealed, undefined)
    assert.deepEqual(pairs, [])
  })

  test('stores nothing when no data key can be had', async () => {
    const { sealAndAppend, entries, published } = setup({ kmsMasterKeyId: 'alias/a' }, { noKey: true })
    await assert.rejects(sealAndAppend(ADA), { message: 'no key' })
    assert.deepEqual(entries, [])
    assert.deepEqual(published, [])
  })

  test('counts a message only once it is stored', async () => {
    const { sealAndAppend, published } = setup({}, { noRedis: true })
    await assert.rejects(sealAndAppend(ADA), { message: 'no redis' })
    assert.deepEqual(published, [])
  })
})

function setup(attributes: Topic['attributes'], o: { noKey?: boolean; noRedis?: boolean } = {}) {
  const entries: Entry[] = []
  const published: unknown[] = []
  const pairs: DataKeyPair[] = []
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
    },
    sealingKeys: {
      forget: () => undefined,
      async use(pair, work) {
        if (o.noKey) throw new Error('no key')
        pairs.push(pair)
        return work({ dataKey, encryptedDataKey: Buffer.from('edk'), keyArn: 'arn:aws:kms:…', issuedAt: 0 })
      },
    },
  })
  return {
    entries,
    published,
    pairs,
    dataKey,
    sealAndAppend: (principal: string) => sealAndAppend(topic, principal, MESSAGE),
  }
}
