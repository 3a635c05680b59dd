import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { after, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { idOf, pendingOf, shareServer } from './testing/lease-stage.ts'

for (const mode of ['standalone', 'cluster'] as const) {
  suite(`waiting for entries of a partition, ${mode}`, () => {
    const shared = shareServer({ cluster: mode === 'cluster' })
    after(() => shared.dispose())

    test('waitForEntries() sees an entry that was appended between claim and wait', async () => {
      await using t = await shared.setup()
      await t.appender.append(t.anEntry())
      await t.lease.claim(10)
      await t.appender.append(t.anEntry())
      await t.lease.waitForEntries({ signal: AbortSignal.timeout(5000) })
      assert.equal((await t.lease.claim(10)).length, 1)
    })

    test('waitForEntries() wakes for an entry appended while it waits, over a slice too, and takes nothing', async () => {
      await using t = await shared.setup()
      for (const pauseMs of [50, 1200]) {
        let woken = false
        const waiting = t.lease.waitForEntries({ signal: AbortSignal.timeout(10_000) }).then(() => {
          woken = true
        })
        await delay(pauseMs)
        assert.equal(woken, false)
        await t.appender.append(t.anEntry())
        await waiting
        assert.equal(await pendingOf(t), 0)
        const claimed = await t.lease.claim(10)
        assert.equal(claimed.length, 1)
        await t.lease.settle([idOf(claimed, 0)])
      }
    })

    test('waitForEntries() says which topic the entry names, if it is no longer than any of ours', async () => {
      await using t = await shared.setup()
      const signal = AbortSignal.timeout(5000)
      const entry = t.anEntry()
      await t.appender.append(entry)
      assert.equal(await t.lease.waitForEntries({ signal }), entry.topicArn)
      await t.lease.claim(1)
      for (const fields of [
        ['topic', 'a'.repeat(513)],
        ['body', 'without'],
        [...Array.from({ length: 200 }, (_, at) => `f${at}`), 'topic', entry.topicArn],
      ]) {
        await t.redis.xadd(t.stream, '*', ...fields)
        assert.equal(await t.lease.waitForEntries({ signal }), undefined)
        assert.equal(signal.aborted, false)
        await t.lease.claim(1)
      }
    })

    test('waitForEntries() returns on abort, at once when aborted already', async () => {
      await using t = await shared.setup()
      await t.lease.waitForEntries({ signal: AbortSignal.abort() })
      const startedAt = performance.now()
      await t.lease.waitForEntries({ signal: AbortSignal.timeout(100) })
      assert.ok(performance.now() - startedAt < 900)
    })

    test('waitForEntries() leaves nothing on a signal that lives on', async () => {
      await using t = await shared.setup()
      const { signal } = new AbortController()
      await t.appender.append(t.anEntry())
      for (let n = 0; n < 3; n++) await t.lease.waitForEntries({ signal })
      assert.equal(getEventListeners(signal, 'abort').length, 0)
    })

    test('waitForEntries() waits from where the group is after a claim whose reply was lost', async () => {
      await using t = await shared.setup()
      await t.appender.append(t.anEntry())
      // What the server did when the reply got lost on the way:
      await t.redis.xreadgroup('GROUP', 'delivery', 'owner', 'COUNT', 10, 'STREAMS', t.stream, '>')
      assert.equal((await t.lease.claim(10)).length, 0)
      const signal = AbortSignal.timeout(200)
      await t.lease.waitForEntries({ signal })
      assert.equal(signal.aborted, true)
    })
  })
}
