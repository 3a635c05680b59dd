import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { createSubscriptionRate } from './index.ts'

// The same on both: a script that crosses a slot fails on the second.
for (const mode of ['standalone', 'cluster'] as const) {
  suite(`createSubscriptionRate(), ${mode}`, () => {
    const starting = startTestRedis({ cluster: mode === 'cluster' })
    after(async () => (await starting)[Symbol.asyncDispose]())

    test('lets no more through in a second than the rate, and not many fewer', async () => {
      await using t = await setup((await starting).url)
      for (const perSecond of [1, 5, 50, 1000]) {
        const of = { ...t.of, subscriptionId: randomUUID(), perSecond }
        const went: { before: number; after: number }[] = []
        const end = performance.now() + 1_500
        const ask = async () => {
          while (performance.now() < end) {
            // On one connection, so that Redis's own clock frames each question, however late its answer is seen.
            const [before, waitMs, after] = await Promise.all([t.redis.time(), t.rate.take(of), t.redis.time()])
            if (waitMs === 0) went.push({ before: microsecondsOf(before), after: microsecondsOf(after) })
            else await delay(Math.min(waitMs, end - performance.now()))
          }
        }
        await Promise.all([ask(), ask(), ask(), ask()])
        went.sort((a, b) => a.before - b.before)
        for (const [at, { before }] of went.entries()) {
          const next = went[at + perSecond]
          assert.ok(next === undefined || next.after - before >= 1_000_000, `${perSecond + 1} within a second`)
        }
        assert.ok(went.length >= Math.floor(perSecond * 0.9), `${went.length} of ${perSecond} in one and a half`)
      }
    })

    test('says when to ask again, and is right', async () => {
      await using t = await setup((await starting).url)
      const of = { ...t.of, perSecond: 1 }
      const startedAt = performance.now()
      assert.equal(await t.rate.take(of), 0)
      const waitMs = await t.rate.take(of)
      const sinceMs = performance.now() - startedAt
      assert.ok(waitMs <= 1_000 && waitMs >= 999 - sinceMs, `${waitMs} ms, ${sinceMs} ms after the first`)
      await delay(waitMs)
      // Timers may be early by a millisecond.
      assert.ok((await t.rate.take(of)) <= 2)
    })

    test('lets exactly as many through as there is room for, however many ask at once', async () => {
      await using t = await setup((await starting).url)
      const of = { ...t.of, perSecond: 100 }
      const startedAt = performance.now()
      const asked = await Promise.all(Array.from({ length: 200 }, () => t.rate.take(of)))
      const earned = ((performance.now() - startedAt) * of.perSecond) / 1000
      const went = asked.filter((waitMs) => waitMs === 0).length
      assert.ok(
        went >= 10 && went <= 10 + earned,
        `${went} went, ${earned.toFixed(1)} of them may have been earned meanwhile`,
      )
    })

    test('is not silenced by what somebody wrote under its key', async () => {
      await using t = await setup((await starting).url)
      const key = `sealcast:{t:${t.of.topicArn}}:throttle:${t.of.subscriptionId}`
      for (const value of ['9e99', '-1', 'nan', 'inf', '', 'x']) {
        await t.redis.set(key, value)
        assert.ok((await t.rate.take({ ...t.of, perSecond: 1 })) <= 1000, value)
        await t.redis.del(key)
      }
      await t.redis.sadd(key, 'x')
      assert.equal(await t.rate.take({ ...t.of, perSecond: 1 }), 0)
    })
  })
}

async function setup(url: string) {
  const redis = openRedis({ url, name: 'test' })
  await whenReady(redis)
  return {
    redis,
    rate: createSubscriptionRate({ redis }),
    of: { topicArn: 'arn:aws:sns:us-east-1:000000000000:orders', subscriptionId: randomUUID() },
    [Symbol.asyncDispose]: () => closeRedis(redis),
  }
}

/** @param time as TIME answers: seconds and microseconds */
function microsecondsOf([seconds = 0, microseconds = 0]: readonly (string | number)[]): number {
  return Number(seconds) * 1_000_000 + Number(microseconds)
}
