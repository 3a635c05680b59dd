import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { stopServers } from './stop-servers.ts'

suite('stopServers()', () => {
  test('answers a pooled connection once more, and accepts no other', async () => {
    const stage = await setup()
    await stage.request()
    const stopping = stage.stop(5_000)
    await delay(50)
    assert.deepEqual(await stage.request(), { status: 200, connection: 'close' })
    await assert.rejects(stage.request(new Agent()), { code: 'ECONNREFUSED' })
    assert.ok((await stopping) < 2_500)
  })

  test('ends connections that stay idle soon', async () => {
    const stage = await setup()
    await stage.request()
    assert.ok((await stage.stop(5_000)) < 1_400)
  })

  test('waits for a request under way, but not beyond the deadline', async () => {
    for (const { answerMs, deadlineMs } of [
      { answerMs: 700, deadlineMs: 5_000 },
      { answerMs: 60_000, deadlineMs: 300 },
    ]) {
      const stage = await setup(answerMs)
      const answer = stage.request().catch((error: unknown) => error)
      await stage.arrival()
      assert.ok((await stage.stop(deadlineMs)) < 2_000)
      assert.equal((await answer) instanceof Error, answerMs > deadlineMs)
    }
  })
})

async function setup(answerMs = 0) {
  let requests = 0
  let stopping = false
  const server = createServer((_request, response) => {
    requests++
    const timer = setTimeout(() => response.writeHead(200, stopping ? { connection: 'close' } : {}).end(), answerMs)
    response.once('close', () => clearTimeout(timer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const pool = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    arrival: async () => {
      if (requests === 0) await once(server, 'request')
    },
    request: (agent = pool) =>
      new Promise<{ status: number | undefined; connection: string | undefined }>((resolve, reject) => {
        get({ port, host: '127.0.0.1', agent }, (response) => {
          response.resume()
          const { statusCode: status, headers } = response
          response.once('end', () => resolve({ status, connection: headers.connection }))
        }).once('error', reject)
      }),
    /** @returns how long it took, in ms */
    async stop(deadlineMs: number): Promise<number> {
      const startedAt = performance.now()
      stopping = true
      await stopServers([server], { requestsSoFar: () => requests, deadlineMs })
      return performance.now() - startedAt
    },
  }
}
