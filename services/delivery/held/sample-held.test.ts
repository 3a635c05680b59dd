import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { deriveDataKey, seal } from '#shared/envelope'
import type { Log } from '#shared/log'
import { createMetrics } from '#shared/metrics'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { type Entry, encodeEntry, type HeldMessage } from '#shared/stream-log'
import { HELD_PAGE, MAX_PAGES_SAMPLED } from '../limits.ts'
import { createDeliveryMetrics } from '../metrics.ts'
import { createSampler } from './sample-held.ts'

const KEY = 'arn:aws:kms:us-east-1:000000000000:key/1'

suite('createSampler()', () => {
  test('takes the first in line, and after a refusal the next one with another data key, round and round', async () => {
    const { sample } = setup('a', 'a', 'b', 'c')
    const taken: string[] = []
    for (let n = 0; n < 5; n++) {
      const one = await sample()
      taken.push(String(one?.dataKey.encryptedDataKey))
      one?.passOver()
    }
    assert.deepEqual(taken, ['a', 'b', 'c', 'a', 'b'])
  })

  test('takes the first again while it was not refused', async () => {
    const { sample } = setup('a', 'b')
    for (let n = 0; n < 2; n++) assert.equal(String((await sample())?.dataKey.encryptedDataKey), 'a')
  })

  test('takes the same data key once more rather than none, however many messages have it', async () => {
    const { sample } = setup(...Array.from({ length: 3 * HELD_PAGE * MAX_PAGES_SAMPLED }, () => 'a'))
    for (let n = 0; n < 6; n++) {
      const one = await sample()
      assert.equal(String(one?.dataKey.encryptedDataKey), 'a')
      one?.passOver()
    }
  })

  test('puts aside what does not verify, drops references to nothing, and says when nothing needs the key', async () => {
    const { sample, held, quarantined, dropped, nothing } = setup()
    held.push(
      { kind: 'entry', heldId: '1-0', fields: new Map([['v', Buffer.from('1')]]) },
      { kind: 'reference', heldId: '2-0', messageId: '', subscriptionId: '' },
      { kind: 'reference', heldId: '3-0', messageId: 'gone', subscriptionId: 's' },
    )
    assert.equal(await sample(), undefined)
    assert.deepEqual([quarantined, dropped, nothing()], [['1-0 RECORD_FORGED'], ['2-0', '3-0'], 1])
  })

  test('does not take an entry under another key for one that says something about this one', async () => {
    const { sample, nothing } = setup('a')
    assert.ok(await sample())
    const other = setup('a', { keyArn: `${KEY}2` })
    assert.equal(await other.sample(), undefined)
    assert.deepEqual([nothing(), other.nothing()], [0, 1])
  })
})

const silentLog: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  alarm: () => undefined,
  flush: () => undefined,
}

/** @param held encrypted data keys of what is held, in order; under another key than asked for with an object at the end */
function setup(...wanted: (string | { keyArn: string })[]) {
  const recordMac = createRecordMac(
    createSecretRing('01234567', new Map([['01234567', createSecretKey(Buffer.alloc(32, 1))]])),
  )
  const dataKey = deriveDataKey(randomBytes(16), randomBytes(32))
  const keyArn = wanted.flatMap((one) => (typeof one === 'string' ? [] : [one.keyArn]))[0] ?? KEY
  const fieldsOf = (encryptedDataKey: string) => {
    const context = {
      topicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
      messageId: '00000000-0000-4000-8000-000000000001',
      principal: 'arn:aws:iam::000000000000:user/ada',
      header: { attributes: [], acceptedAt: 1 },
    }
    const { header, ...ids } = context
    const entry: Entry = {
      kind: 'message',
      incarnation: 'a'.repeat(32),
      ...ids,
      ...header,
      body: seal(Buffer.from('x'), { dataKey, context }),
      sealed: { encryptedDataKey: Buffer.from(encryptedDataKey), keyArn },
    }
    const flat = encodeEntry(entry, recordMac)
    const fields = new Map<string, Buffer>()
    for (let at = 0; at + 1 < flat.length; at += 2) fields.set(String(flat[at]), Buffer.from(flat[at + 1] ?? ''))
    return fields
  }
  const known = new Map<string, Map<string, Buffer>>()
  const held: HeldMessage[] = wanted
    .filter((one) => typeof one === 'string')
    .map((one, at) => {
      const fields = known.get(one) ?? fieldsOf(one)
      known.set(one, fields)
      return { kind: 'entry', heldId: `${at + 1}-0`, fields }
    })
  const quarantined: string[] = []
  const dropped: string[] = []
  let nothing = 0
  const sample = createSampler(KEY, {
    lease: {
      partition: 0,
      async readHeld(_keyArn, after, limit) {
        const at = held.findIndex(({ heldId }) => Number.parseInt(heldId, 10) > Number.parseInt(after, 10))
        return at < 0 ? [] : held.slice(at, at + limit)
      },
      readBody: async () => undefined,
      async leaveHeld(_keyArn, heldIds) {
        dropped.push(...heldIds)
        return 0
      },
      async quarantineHeld(_keyArn, heldId, reason) {
        quarantined.push(`${heldId} ${reason}`)
        return 0
      },
    },
    recordMac,
    log: silentLog,
    metrics: createDeliveryMetrics(createMetrics({ service: 'test' }), createFakeClock()),
    onNothing: () => void nothing++,
  })
  return { sample, held, quarantined, dropped, nothing: () => nothing }
}
