import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readAnswer } from './publish-connection.ts'
import { isTimed, makePublishRequest, readOutcome } from './publish-request.ts'

const signer = { host: 'localhost:1', region: 'us-east-1', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const lane = { topicArn: 'arn:aws:sns:us-east-1:000000000000:loadtest-0', signer }

suite('makePublishRequest()', () => {
  test('is a Publish, or a PublishBatch whose messages have numbers of their own', () => {
    const request = (batch: number) =>
      new URLSearchParams(makePublishRequest({ number: 7, dueMs: 1.5 }, { lane, batch, messageBytes: 100 }).body)
    assert.equal(request(1).get('Action'), 'Publish')
    assert.match(request(1).get('Message') ?? '', /"load:7:1500:"/)
    const batch = request(10)
    assert.equal(batch.get('Action'), 'PublishBatch')
    for (let entry = 0; entry < 10; entry++) {
      const prefix = `PublishBatchRequestEntries.member.${entry + 1}`
      assert.equal(batch.get(`${prefix}.Id`), `e${entry}`)
      assert.match(batch.get(`${prefix}.Message`) ?? '', new RegExp(`"load:7${entry}:1500:"`))
    }
  })
})

suite('readOutcome()', () => {
  test('takes a refusal for a refusal, and a lost answer for nothing', () => {
    const refusal = { status: 403, body: '<Error><Code>AuthorizationError</Code></Error>' }
    assert.deepEqual(readOutcome(refusal, 1), { accepted: [], failed: ['AuthorizationError'], isUnknown: false })
    assert.deepEqual(readOutcome({ status: 503, body: '' }, 2), {
      accepted: [],
      failed: ['HTTP503', 'HTTP503'],
      isUnknown: false,
    })
    for (const status of [408, 500]) assert.equal(readOutcome({ status, body: '' }, 1).isUnknown, true)
    assert.deepEqual(readOutcome({ error: 'Timeout' }, 1), { accepted: [], failed: ['Timeout'], isUnknown: true })
    assert.equal(readOutcome({ error: 'NeverSent' }, 1).isUnknown, false)
  })

  test('times what was accepted and what was waited for in vain, but no refusal, which may come at once', () => {
    const refusal = { status: 503, body: '<Error><Code>Throttled</Code></Error>' }
    assert.equal(isTimed(readOutcome({ status: 200, body: '' }, 1), { status: 200, body: '' }), true)
    assert.equal(isTimed(readOutcome(refusal, 1), refusal), false)
    assert.equal(isTimed(readOutcome({ error: 'ConnectionClosed' }, 1), { error: 'ConnectionClosed' }), false)
    assert.equal(isTimed(readOutcome({ error: 'Timeout' }, 1), { error: 'Timeout' }), true)
  })

  test('tells the entries of a batch apart', () => {
    const body =
      '<PublishBatchResult><Successful><member><MessageId>a</MessageId><Id>e0</Id></member><member><Id>e2</Id><MessageId>b</MessageId></member></Successful>' +
      '<Failed><member><Code>InvalidParameter</Code><Id>e1</Id></member></Failed></PublishBatchResult>'
    assert.deepEqual(readOutcome({ status: 200, body }, 3), {
      accepted: [0, 2],
      failed: ['InvalidParameter'],
      isUnknown: false,
    })
  })
})

suite('readAnswer()', () => {
  test('waits for the whole answer, however it is cut', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello'
    for (let cut = 0; cut < text.length; cut++) assert.equal(readAnswer(text.slice(0, cut)), undefined, `${cut}`)
    assert.deepEqual(readAnswer(text), { status: 200, body: 'hello' })
  })

  test('refuses what it cannot measure', () => {
    assert.deepEqual(readAnswer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'), { error: 'BadAnswer' })
    assert.deepEqual(readAnswer('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab'), { error: 'BadAnswer' })
  })
})
