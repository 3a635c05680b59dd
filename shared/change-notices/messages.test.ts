import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { decodeAcknowledgement, decodeNotice, encodeAcknowledgement, encodeNotice } from './messages.ts'

const FORGED = { code: 'RECORD_FORGED' }
const NOTICE_ID = '00112233445566778899aabbccddeeff'
const GATEWAY_ID = 'ffeeddccbbaa99887766554433221100'
const TOPIC_ARN = 'arn:aws:sns:us-east-1:000000000000:orders'
const NOTICE = { noticeId: NOTICE_ID, gatewayId: GATEWAY_ID, topicArn: TOPIC_ARN }

suite('encodeNotice() and decodeNotice()', () => {
  test('give back any notice', () => {
    const { recordMac } = setup()
    const id = fc.stringMatching(/^[0-9a-f]{32}$/)
    const topicArn = fc.stringMatching(/^[A-Za-z0-9_-]{1,256}$/).map((name) => `arn:aws:sns:us-east-1:0:${name}`)
    fc.assert(
      fc.property(fc.record({ noticeId: id, gatewayId: id, topicArn }, { noNullPrototype: true }), (notice) =>
        assert.deepEqual(decodeNotice(encodeNotice(notice, recordMac), recordMac), notice),
      ),
    )
  })

  test('refuse a notice with any one character replaced, taken away or added', () => {
    const { recordMac } = setup()
    const text = encodeNotice(NOTICE, recordMac)
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === '0' ? '1' : '0'
      for (const changed of [other, '', `${text[at]}0`]) {
        const forgery = text.slice(0, at) + changed + text.slice(at + 1)
        assert.throws(() => decodeNotice(forgery, recordMac), FORGED, forgery)
      }
    }
  })
})

suite('encodeAcknowledgement() and decodeAcknowledgement()', () => {
  test('give back any acknowledgement, and refuse one of another notice or gateway', () => {
    const { recordMac } = setup()
    const text = encodeAcknowledgement(NOTICE, recordMac)
    assert.deepEqual(decodeAcknowledgement(text, recordMac), { noticeId: NOTICE_ID, gatewayId: GATEWAY_ID })
    for (const id of [NOTICE_ID, GATEWAY_ID]) {
      assert.throws(() => decodeAcknowledgement(text.replace(id, '0'.repeat(32)), recordMac), FORGED)
    }
  })
})

suite('decodeNotice() and decodeAcknowledgement()', () => {
  test('refuse each other’s messages and those of another secret', () => {
    const { recordMac, foreign } = setup()
    const noticeMac = encodeNotice(NOTICE, recordMac).split(' ')[0]
    const ackMac = encodeAcknowledgement(NOTICE, recordMac).split(' ')[0]
    for (const forgery of [
      encodeAcknowledgement(NOTICE, recordMac),
      `${ackMac} ${NOTICE_ID} ${GATEWAY_ID} ${TOPIC_ARN}`,
      encodeNotice(NOTICE, foreign),
    ]) {
      assert.throws(() => decodeNotice(forgery, recordMac), FORGED)
    }
    for (const forgery of [
      encodeNotice(NOTICE, recordMac),
      `${noticeMac} ${NOTICE_ID} ${GATEWAY_ID}`,
      encodeAcknowledgement(NOTICE, foreign),
    ]) {
      assert.throws(() => decodeAcknowledgement(forgery, recordMac), FORGED)
    }
  })

  test('refuse any text', () => {
    const { recordMac } = setup()
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ maxLength: 5_000 })), (text) => {
        assert.throws(() => decodeNotice(text, recordMac), FORGED)
        assert.throws(() => decodeAcknowledgement(text, recordMac), FORGED)
      }),
    )
  })
})

function setup() {
  const macOf = (byte: number) => {
    const secrets = new Map([['0000000a', createSecretKey(Buffer.alloc(32, byte))]])
    return createRecordMac(createSecretRing('0000000a', secrets))
  }
  return { recordMac: macOf(7), foreign: macOf(8) }
}
