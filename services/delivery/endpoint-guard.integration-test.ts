/** The worker as a process, with the guard's setting as an operator gives it. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { suite, test } from 'node:test'
import { createWorkerStage } from './testing/worker-stage.ts'

suite('the delivery worker', () => {
  test('refuses loopback addresses unless the setting allows them, in count and log, without the URL', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('refused')
    await stage.subscribe(topic, '/secret-path?token=secret-token')
    await stage.publish(topic, 'hello')
    await using worker = await stage.startWorker({ SEALCAST_ENDPOINT_NETWORKS: '' })
    await stage.until(() => worker.log.some(({ event }) => event === 'delivery.attempted'))
    await stage.until(async () => (await stage.leftovers()).length === 0)

    const attempts = worker.log.filter(({ event }) => event === 'delivery.attempted')
    assert.deepEqual(
      attempts.map(({ outcome, reason }) => [outcome, reason]),
      [['failed', 'ENDPOINT_ADDRESS_REFUSED']],
    )
    const refused = worker.log.find(({ event }) => event === 'endpoint.refused')
    assert.equal(refused?.endpointHost, '127.0.0.1')
    assert.equal(refused?.reason, 'loopback')
    assert.equal(await worker.metric('sealcast_endpoints_refused_total{reason="loopback"}'), 1)
    assert.deepEqual(stage.received, [])
    assert.doesNotMatch(JSON.stringify(worker.log), /secret/)
  })

  test('tries a name again that leads to a refused address', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('named')
    await stage.subscribe(topic, '', { endpoint: 'https://localhost:1/hook' })
    await stage.publish(topic, 'hello')
    await using worker = await stage.startWorker({ SEALCAST_ENDPOINT_NETWORKS: 'private' })
    await stage.until(() => worker.log.some(({ outcome }) => outcome === 'failed'))
    const attempts = worker.log.filter(({ event }) => event === 'delivery.attempted')
    assert.deepEqual(
      attempts.map(({ outcome, reason }) => [outcome, reason]),
      [
        ...Array.from({ length: 3 }, () => ['retry', 'ENDPOINT_ADDRESS_REFUSED']),
        ['failed', 'ENDPOINT_ADDRESS_REFUSED'],
      ],
    )
  })

  test('asks no proxy of its environment', async () => {
    await using stage = await createWorkerStage()
    await using proxy = await startProxy()
    const topic = await stage.createTopic('direct')
    await stage.subscribe(topic, '/hook')
    await stage.publish(topic, 'hello')
    const variables = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']
    await using worker = await stage.startWorker({
      ...Object.fromEntries(variables.map((name) => [name, proxy.url])),
      NODE_USE_ENV_PROXY: '1',
    })
    await stage.until(() => worker.log.some(({ outcome }) => outcome === 'delivered'))
    assert.equal(stage.received.length, 1)
    assert.equal(proxy.connections(), 0)
  })
})

/** Takes connections and answers none. */
async function startProxy() {
  let connections = 0
  const server: Server = createServer((socket) => {
    connections++
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
