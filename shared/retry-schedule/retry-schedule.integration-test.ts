import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '#shared/clock'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { countWaitingRetries, createRetrySchedule, type DueRetry, type RetryVerdict } from './index.ts'

const PREFIX = 'sealcast:{p:3}'

suite('createRetrySchedule()', () => {
  test('runs a job after its delay, counts attempts, and leaves nothing behind', async () => {
    await using stage = await setup()
    const verdicts: RetryVerdict[] = [
      { kind: 'retry', delayMs: 5, reason: 'HTTP_503' },
      { kind: 'retry', delayMs: 0, reason: 'ECONNREFUSED' },
      { kind: 'done' },
    ]
    const retries = stage.open(async () => verdicts.shift() ?? { kind: 'done' })
    const reference = { messageId: randomUUID(), subscriptionId: randomUUID() }
    await retries.schedule(reference, { delayMs: 20 })
    await stage.until(async () => stage.runs.length === 3 && (await stage.jobs()) === 0)
    assert.deepEqual(
      stage.runs,
      [0, 1, 2].map((retriesMade) => ({ ...reference, retriesMade, scheduledAt: stage.runs[0]?.scheduledAt })),
    )
    await retries.close()
  })

  test('holds a job without counting an attempt', async () => {
    await using stage = await setup()
    const verdicts: RetryVerdict[] = [
      { kind: 'hold', delayMs: 5 },
      { kind: 'hold', delayMs: 5 },
    ]
    const retries = stage.open(async () => verdicts.shift() ?? { kind: 'done' })
    await retries.schedule({ messageId: randomUUID(), subscriptionId: randomUUID() }, { delayMs: 1 })
    await stage.until(async () => stage.runs.length === 3 && (await stage.jobs()) === 0)
    assert.deepEqual(
      stage.runs.map((run) => run.retriesMade),
      [0, 0, 0],
    )
    await retries.close()
  })

  test('makes a job due that waits, makes one where there is none, and tells of one that runs', async () => {
    await using stage = await setup()
    const running = Promise.withResolvers<RetryVerdict>()
    const retries = stage.open(() => running.promise)
    const [waiting, fresh] = [0, 1].map(() => ({ messageId: randomUUID(), subscriptionId: randomUUID() }))
    assert.ok(waiting && fresh)
    await retries.schedule(waiting, { delayMs: 600_000 })
    assert.equal(await retries.hasten(waiting), true)
    await stage.until(async () => stage.runs.length === 1)
    assert.equal(await retries.hasten(waiting), false)
    assert.equal(await retries.hasten(fresh), true)
    await stage.until(async () => stage.runs.length === 2)
    running.resolve({ kind: 'done' })
    await stage.until(async () => (await stage.jobs()) === 0)
    assert.deepEqual(
      stage.runs.map(({ messageId }) => messageId),
      [waiting.messageId, fresh.messageId],
    )
    await retries.close()
  })

  test('countWaitingRetries() counts what is to come and what is due, and nothing that runs', async () => {
    await using stage = await setup()
    const running = Promise.withResolvers<RetryVerdict>()
    const retries = stage.open(() => running.promise)
    const schedule = (delayMs: number) =>
      retries.schedule({ messageId: randomUUID(), subscriptionId: randomUUID() }, { delayMs })
    // As many as run at once, and two more.
    for (let n = 0; n < 6; n++) await schedule(0)
    for (let n = 0; n < 3; n++) await schedule(600_000)
    await stage.until(async () => stage.runs.length === 4)
    const redis = openRedis({ url: stage.redis.url, name: 'test' })
    await whenReady(redis)
    const count = (...prefixes: string[]) => countWaitingRetries({ redis, prefixes })
    assert.equal(await count(PREFIX), 5)
    assert.equal(await count('sealcast:{p:4}', PREFIX), 5)
    assert.equal(await count(), 0)
    running.resolve({ kind: 'done' })
    await stage.until(async () => (await count(PREFIX)) === 3)
    await stage.redis.cli('set', 'sealcast:{p:4}:retry:delayed', 'x')
    assert.equal(await count('sealcast:{p:4}', PREFIX), 3)
    await retries.close()
    await closeRedis(redis)
  })

  test('keeps one job for one message and subscription', async () => {
    await using stage = await setup()
    const retries = stage.open(async () => ({ kind: 'done' }))
    const reference = { messageId: randomUUID(), subscriptionId: randomUUID() }
    await retries.schedule(reference, { delayMs: 60_000 })
    await retries.schedule(reference, { delayMs: 1 })
    assert.equal(await stage.jobs(), 1)
    assert.equal(stage.runs.length, 0)
    await retries.close()
  })

  test('holds a job whose processing throws, and stores neither message nor stack', async () => {
    await using stage = await setup()
    let thrown = false
    const retries = stage.open(async () => {
      if (!thrown) {
        thrown = true
        throw new Error('the body was: secret words')
      }
      return { kind: 'retry', delayMs: 60_000, reason: 'HTTP_500' }
    })
    const reference = { messageId: randomUUID(), subscriptionId: randomUUID() }
    await retries.schedule(reference, { delayMs: 1 })
    await stage.until(async () => stage.runs.length === 2 && (await stage.field(reference, 'atm')) === '1')
    assert.equal(await stage.field(reference, 'failedReason'), 'HTTP_500')
    assert.equal(await stage.field(reference, 'stacktrace'), '[]')
    assert.equal(stage.errors.length, 1)
    await retries.close()
  })

  test('leaves an abandoned job for the next owner, attempt uncounted', async () => {
    await using stage = await setup()
    const first = stage.open(async () => ({ kind: 'abandon' }))
    const reference = { messageId: randomUUID(), subscriptionId: randomUUID() }
    await first.schedule(reference, { delayMs: 1 })
    await stage.until(async () => stage.runs.length === 1)
    await first.abandon()
    assert.equal(await stage.jobs(), 1)

    const second = stage.open(async () => ({ kind: 'done' }))
    await stage.until(async () => stage.runs.length === 2 && (await stage.jobs()) === 0)
    assert.equal(stage.runs[1]?.retriesMade, 0)
    await second.close()
  })

  test('runs a job again however many owners died with it', async () => {
    await using stage = await setup()
    const reference = { messageId: randomUUID(), subscriptionId: randomUUID() }
    for (const deaths of [1, 2, 3]) {
      const owner = stage.open(() => new Promise(() => undefined))
      if (deaths === 1) await owner.schedule(reference, { delayMs: 1 })
      await stage.until(async () => stage.runs.length === deaths)
      // Its job is left locked and running, as a killed process leaves it.
      await owner.abandon()
    }
    const survivor = stage.open(async () => ({ kind: 'done' }))
    await stage.until(async () => stage.runs.length === 4 && (await stage.jobs()) === 0)
    assert.equal(stage.runs[3]?.retriesMade, 0)
    await survivor.close()
  })

  test('close() waits for the job that runs', async () => {
    await using stage = await setup()
    const finish = Promise.withResolvers<void>()
    const retries = stage.open(async () => {
      await finish.promise
      return { kind: 'done' }
    })
    await retries.schedule({ messageId: randomUUID(), subscriptionId: randomUUID() }, { delayMs: 1 })
    await stage.until(async () => stage.runs.length === 1)
    let closed = false
    const closing = retries.close().then(() => {
      closed = true
    })
    await delay(50)
    assert.equal(closed, false)
    finish.resolve()
    await closing
    assert.equal(await stage.jobs(), 0)
  })

  test('stop() begins no more jobs, and still schedules', async () => {
    await using stage = await setup()
    const first = stage.open(async () => ({ kind: 'done' }))
    await first.stop()
    await first.schedule({ messageId: randomUUID(), subscriptionId: randomUUID() }, { delayMs: 0 })
    await delay(50)
    assert.equal(stage.runs.length, 0)
    await first.close()
    const second = stage.open(async () => ({ kind: 'done' }))
    await stage.until(async () => stage.runs.length === 1 && (await stage.jobs()) === 0)
    await second.close()
  })

  test('refuses to wait for Redis longer than its deadline, and works again when Redis does', async () => {
    await using stage = await setup({ addDeadlineMs: 200 })
    const retries = stage.open(async () => ({ kind: 'done' }))
    const reference = { messageId: randomUUID(), subscriptionId: randomUUID() }
    await retries.schedule({ messageId: randomUUID(), subscriptionId: randomUUID() }, { delayMs: 1 })
    await stage.until(async () => stage.runs.length === 1)
    stage.redis.kill()
    await assert.rejects(retries.schedule(reference, { delayMs: 1 }), { code: 'RETRY_SCHEDULE_UNAVAILABLE' })
    await stage.redis.start()
    await stage.until(async () => {
      await retries.schedule(reference, { delayMs: 1 }).catch(() => undefined)
      return stage.runs.some((run) => run.messageId === reference.messageId)
    })
    await retries.close()
  })

  for (const isClosing of [false, true]) {
    test(`connects no more once abandoned while it waits for Redis${isClosing ? ' and a close waits for it' : ''}`, async () => {
      await using stage = await setup()
      const connected = async () =>
        (await stage.redis.cli('client', 'list')).split('\n').filter((line) => / name=sealcast/.test(line)).length
      const retries = stage.open(async () => ({ kind: 'done' }))
      await retries.schedule({ messageId: randomUUID(), subscriptionId: randomUUID() }, { delayMs: 1 })
      await stage.until(async () => stage.runs.length === 1 && (await stage.jobs()) === 0)
      assert.equal(await connected(), 2)
      // Its connections are taken anew and do not become ready. Soon after its next job is due the worker notices.
      await retries.schedule({ messageId: randomUUID(), subscriptionId: randomUUID() }, { delayMs: 500 })
      await stage.redis.cli('client', 'kill', 'type', 'normal')
      stage.redis.pause()
      await delay(3_000)
      if (isClosing) void retries.close().catch(() => undefined)
      const abandoned = retries.abandon()
      await delay(100)
      stage.redis.resume()
      await abandoned
      await delay(1_000)
      assert.equal(await connected(), 1)
    })
  }

  test('believes of a job its id and its attempts, and nothing else that was written into it', async () => {
    await using stage = await setup()
    const reference = { messageId: randomUUID(), subscriptionId: randomUUID() }
    let finished = 0
    const retries = stage.open(async ({ retriesMade }) => {
      if (retriesMade < 2) return { kind: 'retry', delayMs: 1, reason: 'HTTP_503' }
      finished++
      return { kind: 'done' }
    })
    await retries.schedule(reference, { delayMs: 300 })
    const other = JSON.stringify({ messageId: randomUUID(), subscriptionId: randomUUID() })
    const fields = ['id', 'other', 'name', 'x', 'data', other, 'opts', '{"attempts":1}', 'rjk', 'x', 'defa', 'no']
    await stage.redis.cli('hset', `${PREFIX}:retry:${reference.messageId}-${reference.subscriptionId}`, ...fields)
    await stage.until(async () => finished === 1 && (await stage.jobs()) === 0)
    assert.deepEqual(
      stage.runs,
      [0, 1, 2].map((retriesMade) => ({ ...reference, retriesMade, scheduledAt: stage.runs[0]?.scheduledAt })),
    )
    await retries.close()
  })

  test('outlives made-up jobs of every kind, reports them, and runs the others', async () => {
    await using stage = await setup()
    const retries = stage.open(async () => ({ kind: 'done' }))
    const junk = [
      ['name', 'x', 'data', '{"messageId":"a","subscriptionId":"b"}', 'opts', '{}'],
      ['name', 'x', 'data', 'null', 'opts', '{"repeat":{"every":1}}', 'rjk', 'x'],
      ['name', 'x', 'data', '{', 'opts', '{', 'timestamp', 'x'],
      ['name', 'x', 'data', '{}', 'opts', 'null'],
      ['name', 'x', 'data', 'x'.repeat(100_000), 'opts', '{}', 'parent', '{'],
      ['x', 'x'],
    ]
    const genuine = Array.from({ length: junk.length }, () => ({
      messageId: randomUUID(),
      subscriptionId: randomUUID(),
    }))
    for (const [n, fields] of junk.entries()) {
      await stage.redis.cli('hset', `${PREFIX}:retry:junk${n}`, ...fields)
      await stage.redis.cli('lpush', `${PREFIX}:retry:wait`, `junk${n}`, 'no-job')
      const reference = genuine[n]
      if (reference !== undefined) await retries.schedule(reference, { delayMs: 0 })
    }
    await stage.redis.cli('set', `${PREFIX}:retry:string`, 'x')
    await stage.redis.cli('lpush', `${PREFIX}:retry:wait`, 'string')
    const last = { messageId: randomUUID(), subscriptionId: randomUUID() }
    await retries.schedule(last, { delayMs: 100 })
    await stage.until(async () => stage.runs.some(({ messageId }) => messageId === last.messageId))
    assert.deepEqual(new Set(stage.runs.map(({ messageId }) => messageId)).size, genuine.length + 1)
    assert.equal(stage.runs.length, genuine.length + 1)
    assert.ok(stage.forgeries.length >= 2, String(stage.forgeries.length))
    await retries.close()
  })

  test('says that a key of another type is in the way, and goes on when it is gone', async () => {
    await using stage = await setup()
    const retries = stage.open(async () => ({ kind: 'done' }))
    const reference = { messageId: randomUUID(), subscriptionId: randomUUID() }
    await retries.schedule({ messageId: randomUUID(), subscriptionId: randomUUID() }, { delayMs: 0 })
    await stage.until(async () => stage.runs.length === 1)
    await stage.redis.cli('del', `${PREFIX}:retry:wait`)
    await stage.redis.cli('set', `${PREFIX}:retry:wait`, 'x')
    await assert.rejects(retries.schedule(reference, { delayMs: 0 }), {
      code: 'RETRY_SCHEDULE_SPOILT',
      retryable: false,
    })
    await stage.redis.cli('del', `${PREFIX}:retry:wait`)
    await retries.schedule(reference, { delayMs: 0 })
    await stage.until(async () => stage.runs.length === 2)
    await retries.close()
  })

  test('keeps every key of a partition in its hash slot', async () => {
    await using stage = await setup({ cluster: true })
    const retries = stage.open(async () => ({ kind: 'done' }))
    await retries.schedule({ messageId: randomUUID(), subscriptionId: randomUUID() }, { delayMs: 1 })
    await stage.until(async () => stage.runs.length === 1 && (await stage.jobs()) === 0)
    for (const key of (await stage.redis.cli('keys', '*')).split('\n'))
      assert.ok(key.startsWith(`${PREFIX}:retry`), key)
    await retries.close()
  })
})

async function setup({ addDeadlineMs = 3_000, cluster = false }: { addDeadlineMs?: number; cluster?: boolean } = {}) {
  const redis = await startTestRedis({ cluster })
  const errors: unknown[] = []
  const forgeries: unknown[] = []
  const runs: DueRetry[] = []
  const schedule = createRetrySchedule({
    url: redis.url,
    clock: systemClock,
    lockMs: 500,
    onError: (error) => void errors.push(error),
    onForged: (error) => void forgeries.push(error),
    addDeadlineMs,
  })
  return {
    redis,
    errors,
    forgeries,
    runs,
    open: (process: (due: DueRetry) => Promise<RetryVerdict>) =>
      schedule.open({
        prefix: PREFIX,
        concurrency: 4,
        process: (due) => {
          runs.push(due)
          return process(due)
        },
      }),
    /** Job hashes that exist, in whatever state. */
    jobs: async () =>
      (await redis.cli('keys', `${PREFIX}:retry:*-*-*`))
        .split('\n')
        .filter((key) => key !== '' && !key.endsWith(':lock')).length,
    field: (reference: { messageId: string; subscriptionId: string }, name: string) =>
      redis.cli('hget', `${PREFIX}:retry:${reference.messageId}-${reference.subscriptionId}`, name),
    async until(condition: () => Promise<boolean>) {
      const deadline = Date.now() + 10_000
      while (!(await condition())) {
        assert.ok(Date.now() < deadline, 'the condition did not come true in time')
        await delay(10)
      }
    },
    async [Symbol.asyncDispose]() {
      await schedule[Symbol.asyncDispose]()
      await redis[Symbol.asyncDispose]()
    },
  }
}
