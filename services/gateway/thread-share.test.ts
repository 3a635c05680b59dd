import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { shareOut } from './thread-share.ts'

const config = { port: 4443, httpPort: undefined, maxConnections: 20_000, maxRequestsInFlight: 1024, threads: 1 }
const o = { memberId: 'a', descriptors: Number.POSITIVE_INFINITY }

suite('shareOut()', () => {
  test('gives one thread all of it', () => {
    assert.deepEqual(shareOut(config, o), {
      part: 1,
      memberId: 'a',
      port: 4443,
      httpPort: undefined,
      connections: 20_000,
      requestsInFlight: 1024,
      bodyBytes: 256 * 1024 * 1024,
      messagesPerDataKey: 2 ** 30,
    })
  })

  test('divides by the threads what the process may have, connections by the ports besides', () => {
    const share = shareOut({ ...config, httpPort: 4480, threads: 4 }, o)
    assert.equal(share.connections, 2_500)
    assert.equal(share.requestsInFlight, 256)
    assert.equal(share.bodyBytes, 64 * 1024 * 1024)
    assert.equal(share.messagesPerDataKey, 2 ** 28)
    assert.equal(share.part, 0.25)
  })

  test('leaves descriptors for what the process and each further thread need themselves', () => {
    const connections = (threads: number) => shareOut({ ...config, threads }, { ...o, descriptors: 1_128 }).connections
    assert.deepEqual([connections(1), connections(2), connections(11)], [1_000, 484, 61])
  })

  test('leaves each thread at least one request and connection', () => {
    const share = shareOut({ ...config, maxConnections: 1, maxRequestsInFlight: 1, threads: 64 }, o)
    assert.equal(share.connections, 1)
    assert.equal(share.requestsInFlight, 1)
  })
})
