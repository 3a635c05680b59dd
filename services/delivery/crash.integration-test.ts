import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createWorkerStage, type WorkerStage } from './testing/worker-stage.ts'

suite('the delivery worker, when things break', () => {
  test('loses nothing when it is killed in the middle of deliveries and retries', async () => {
    await using stage = await createWorkerStage({ appendonly: true })
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/a')
    await stage.subscribe(topic, '/b')
    // Every seventh request fails, so that bodies and jobs are under way at each death.
    let requests = 0
    stage.answer((_request, response) => {
      const statusCode = ++requests % 7 === 0 ? 503 : 200
      setTimeout(() => response.writeHead(statusCode).end(), 5)
    })
    const published: string[] = []
    const publish = async (count: number) => {
      for (let n = 0; n < count; n++) published.push((await stage.publish(topic, `${n}`, spread(n))).messageId)
    }
    await publish(150)
    for (const share of [50, 150, 300]) {
      await using worker = await stage.startWorker()
      await stage.until(() => stage.received.length >= share)
      await worker.kill()
      await publish(50)
    }
    await using last = await stage.startWorker()
    await stage.until(async () => (await stage.leftovers()).length === 0)
    for (const path of ['/a', '/b']) assert.deepEqual(missing(stage, published, path), [])
    assert.equal((await last.stop()).code, 0)
  })

  test('loses nothing when Redis is killed and comes back', async () => {
    await using stage = await createWorkerStage({ appendonly: true })
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/a')
    stage.answer((_request, response) => void setTimeout(() => response.end(), 5))
    await using worker = await stage.startWorker({ SEALCAST_LEASE_MS: '5000' })
    const published: string[] = []
    for (let n = 0; n < 200; n++) published.push((await stage.publish(topic, `${n}`, spread(n))).messageId)
    await stage.until(() => stage.received.length >= 50)
    stage.redis.kill()
    await stage.redis.start()
    await stage.until(() => missing(stage, published, '/a').length === 0)
    await stage.until(async () => (await stage.leftovers().catch(() => ['?'])).length === 0)
    // The lease outlived the restart: what had been delivered was settled, not delivered again.
    assert.equal(stage.received.length, published.length)
    assert.equal((await worker.stop()).code, 0)
  })

  test('starts before Redis does', async () => {
    await using stage = await createWorkerStage({ appendonly: true })
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/a')
    await stage.publish(topic, 'x')
    await stage.redis.stop()
    const starting = stage.startWorker()
    await delay(500)
    await stage.redis.start()
    await using _worker = await starting
    await stage.until(() => stage.received.length === 1)
  })

  test('does nothing with a lease that ran out while it was paused', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/a')
    const answers: (() => void)[] = []
    stage.answer((_request, response) => void answers.push(() => response.end()))
    await using first = await stage.startWorker()
    const { messageId } = await stage.publish(topic, 'x')
    await stage.until(() => answers.length === 1)
    first.pause()
    await using second = await stage.startWorker()
    await stage.until(() => answers.length === 2)
    for (const one of answers) one()
    await stage.until(async () => (await stage.leftovers()).length === 0)
    first.resume()
    await stage.until(async () => (await first.metric('sealcast_leases_lost_total')) > 0)
    stage.answer((_request, response) => void response.end())
    await stage.publish(topic, 'y')
    await stage.until(async () => stage.received.length === 3 && (await stage.leftovers()).length === 0)
    assert.equal(stage.received.filter(({ headers }) => headers['x-amz-sns-message-id'] === messageId).length, 2)
    assert.equal((await second.stop()).code, 0)
  })

  test('stops in order: finishes what is in flight, gives its leases back, and ends by itself', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/a')
    const answered = Promise.withResolvers<void>()
    stage.answer((_request, response) => void answered.promise.then(() => response.end()))
    await using worker = await stage.startWorker({ SEALCAST_LEASE_MS: '60000' })
    await stage.publish(topic, 'x')
    await stage.until(() => stage.received.length === 1)
    const stopping = worker.stop()
    await delay(100)
    await stage.publish(topic, 'not claimed any more')
    answered.resolve()
    const { code, signal, ms } = await stopping
    assert.deepEqual({ code, signal }, { code: 0, signal: null })
    assert.ok(ms < 5_000, `${ms} ms`)
    assert.deepEqual(await stage.leftovers(), ['1 entries'])
    assert.deepEqual(await stage.client.keys('sealcast:*:lease'), [])
    assert.equal(stage.received.length, 1)

    await using _next = await stage.startWorker()
    await stage.until(async () => stage.received.length === 2 && (await stage.leftovers()).length === 0)
  })

  test('stops within its deadline although an endpoint does not answer', async () => {
    await using stage = await createWorkerStage()
    const topic = await stage.createTopic('orders')
    await stage.subscribe(topic, '/a')
    stage.answer(() => undefined)
    await using worker = await stage.startWorker({ SEALCAST_SHUTDOWN_MS: '300' })
    await stage.publish(topic, 'x')
    await stage.until(() => stage.received.length === 1)
    const { code, ms } = await worker.stop()
    assert.equal(code, 0)
    assert.ok(ms < 3_000, `${ms} ms`)
    assert.equal((await stage.leftovers()).length, 1)
  })

  test('stops within its deadline although Redis is gone', async () => {
    await using stage = await createWorkerStage()
    await using worker = await stage.startWorker({ SEALCAST_SHUTDOWN_MS: '300' })
    stage.redis.kill()
    const { code, ms } = await worker.stop()
    assert.equal(code, 0)
    assert.ok(ms < 5_000, `${ms} ms`)
  })

  test('ends with its supervisor', async () => {
    await using stage = await createWorkerStage()
    await using worker = await stage.startWorker()
    await worker.disconnect()
  })
})

/** Publishers on both partitions. */
function spread(n: number): { principal: string } {
  return { principal: `arn:aws:iam::000000000000:user/publisher-${n % 4}` }
}

function missing(stage: WorkerStage, published: readonly string[], path: string): string[] {
  const got = new Set(
    stage.received.filter((one) => one.path === path).map(({ headers }) => headers['x-amz-sns-message-id']),
  )
  return published.filter((messageId) => !got.has(messageId))
}
