import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { decodeEntry, keys } from './index.ts'
import { idOf, type LeaseStage, pendingOf, setupOn, shareServer } from './testing/lease-stage.ts'

// The same on both: a script that crosses a slot fails on the second.
for (const mode of ['standalone', 'cluster'] as const) {
  suite(`a partition lease, ${mode}`, () => {
    const shared = shareServer({ cluster: mode === 'cluster' })
    after(() => shared.dispose())

    test('claim() gives entries once, in order and byte for byte', async () => {
      await using t = await shared.setup()
      const sent = [t.anEntry({ body: Buffer.from([0, 255, 13, 10]) }), t.anEntry({ subject: 'ü' }), t.anEntry()]
      for (const entry of sent) await t.appender.append(entry)
      const claimed = [...(await t.lease.claim(2)), ...(await t.lease.claim(2)), ...(await t.lease.claim(2))]
      assert.deepEqual(
        claimed.map(({ fields }) => decodeEntry(fields, t.recordMac)),
        sent,
      )
    })

    test('claim() gives entries that were appended before the group existed', async () => {
      await using t = await shared.setup({ acquire: false })
      await t.appender.append(t.anEntry())
      const lease = await t.acquire()
      assert.equal((await lease.claim(10)).length, 1)
    })

    test('reread() gives pending entries in pages, and none that is settled', async () => {
      await using t = await shared.setup()
      for (let n = 0; n < 5; n++) await t.appender.append(t.anEntry())
      const claimed = await t.lease.claim(10)
      await t.appender.append(t.anEntry())
      await t.lease.settle([idOf(claimed, 1)])
      const first = await t.lease.reread('0', 3)
      const second = await t.lease.reread(idOf(first, 2), 3)
      assert.deepEqual([...first, ...second], [claimed[0], claimed[2], claimed[3], claimed[4]])
      assert.deepEqual(await t.lease.reread(idOf(second, 0), 3), [])
    })

    test('reread() acknowledges entries that were deleted by hand, whole pages of them too', async () => {
      await using t = await shared.setup()
      for (let n = 0; n < 6; n++) await t.appender.append(t.anEntry())
      const claimed = await t.lease.claim(10)
      await t.redis.xdel(t.stream, ...claimed.slice(0, 5).map(({ streamId }) => streamId))
      assert.deepEqual(await t.lease.reread('0', 2), [claimed[5]])
      assert.equal(await pendingOf(t), 1)
      await t.redis.xdel(t.stream, idOf(claimed, 5))
      assert.deepEqual(await t.lease.reread('0', 2), [])
      assert.equal(await pendingOf(t), 0)
    })

    test('settle() acknowledges and deletes, any number, twice without harm', async () => {
      await using t = await shared.setup()
      await Promise.all(Array.from({ length: 1200 }, () => t.appender.append(t.anEntry())))
      const claimed = [...(await t.lease.claim(1000)), ...(await t.lease.claim(1000))]
      const ids = claimed.map(({ streamId }) => streamId)
      assert.equal(ids.length, 1200)
      await t.lease.settle([])
      await t.lease.settle(ids)
      await t.lease.settle(ids)
      assert.equal(await pendingOf(t), 0)
      assert.equal(await t.redis.xlen(t.stream), 0)
    })

    test('quarantine() keeps every field, the id and the reason, and takes the entry out', async () => {
      await using t = await shared.setup()
      const bytes = Buffer.from([0, 255])
      await t.redis.xadd(t.stream, '*', 'reason', 'forged', 'twice', '1', 'twice', bytes)
      const [claimed] = await t.lease.claim(1)
      assert.ok(claimed)
      await t.lease.quarantine(claimed, 'ENTRY_MALFORMED')
      await t.lease.quarantine(claimed, 'ENTRY_MALFORMED')
      const kept = await t.redis.xrangeBuffer(keys.quarantineKey(t.partition), '-', '+')
      assert.deepEqual(
        kept.map(([, fields]) => fields.map((part) => (part.equals(bytes) ? bytes : part.toString()))),
        [['id', claimed.streamId, 'reason', 'ENTRY_MALFORMED', 'e:reason', 'forged', 'e:twice', '1', 'e:twice', bytes]],
      )
      assert.equal(await pendingOf(t), 0)
      assert.equal(await t.redis.xlen(t.stream), 0)
    })

    test('quarantine() takes an entry with more fields than a script can unpack', async () => {
      await using t = await shared.setup()
      await t.redis.xadd(t.stream, '*', ...Array.from({ length: 20_000 }, (_, n) => String(n)))
      const [claimed] = await t.lease.claim(1)
      assert.ok(claimed)
      await t.lease.quarantine(claimed, 'ENTRY_MALFORMED')
      assert.equal(await t.redis.xlen(keys.quarantineKey(t.partition)), 1)
      assert.equal(await t.redis.xlen(t.stream), 0)
    })

    test('an entry longer than any of ours comes without its fields and is put aside in short', async () => {
      await using t = await shared.setup()
      const huge = Buffer.alloc(3 * 1024 * 1024, 'x')
      const genuine = t.anEntry({ body: Buffer.alloc(262_144, 1), subject: 'x'.repeat(100) })
      await t.redis.xadd(t.stream, '*', 'body', huge, huge, 'x')
      await t.appender.append(genuine)
      const claimed = await t.lease.claim(10)
      const [oversize, other] = claimed
      assert.ok(oversize && other)
      assert.equal(oversize.fields.size, 0)
      assert.throws(() => decodeEntry(oversize.fields, t.recordMac), { code: 'ENTRY_MALFORMED' })
      assert.deepEqual(decodeEntry(other.fields, t.recordMac), genuine)
      assert.deepEqual(await t.lease.reread('0', 10), claimed)
      await t.lease.quarantine(oversize, 'ENTRY_MALFORMED')
      await t.lease.quarantine(other, 'X')
      const [short, whole] = await t.redis.xrangeBuffer(keys.quarantineKey(t.partition), '-', '+')
      assert.ok(short && whole)
      assert.ok(short[1].every((part) => part.byteLength <= 257))
      assert.ok(whole[1].some((part) => part.equals(genuine.body)))
    })

    test('acquireLease() gives nothing while another holds the partition, and gives it after release', async () => {
      await using t = await shared.setup()
      assert.equal(await t.tryAcquire(), undefined)
      await t.lease.release()
      const next = await t.tryAcquire()
      assert.ok(next)
      assert.notEqual(next.token, t.lease.token)
      await next.release()
    })

    test('acquireLease() takes over a lease that nobody of ours can have taken, and says so', async () => {
      await using t = await shared.setup({ acquire: false })
      const lease = keys.leaseKey(t.partition)
      for (const forge of [
        () => t.redis.set(lease, 'x'),
        () => t.redis.set(lease, 'x', 'PX', 700_000),
        () => t.redis.hset(lease, 'x', 'x'),
      ]) {
        await forge()
        let foreign = 0
        const taken = await t.tryAcquire(() => foreign++)
        assert.ok(taken)
        assert.equal(foreign, 1)
        assert.equal(await t.tryAcquire(() => foreign++), undefined)
        assert.equal(foreign, 1)
        await taken.release()
      }
    })

    test('a holder whose stream or lease was replaced by another type is told, and a new one by what is in the way', async () => {
      await using t = await shared.setup()
      const wrongType = { code: 'REDIS_FOREIGN_DATA', replyCode: 'WRONGTYPE' }
      await t.redis.del(t.stream)
      await assert.rejects(t.lease.claim(1), { code: 'REDIS_FOREIGN_DATA', replyCode: 'NOGROUP' })
      await t.redis.set(t.stream, 'x')
      await assert.rejects(t.lease.claim(1), wrongType)
      await assert.rejects(t.lease.reread('0', 1), wrongType)
      await assert.rejects(t.lease.waitForEntries({ signal: AbortSignal.timeout(5000) }), wrongType)
      await t.lease.release()
      await assert.rejects(t.tryAcquire(), wrongType)
      assert.equal(await t.redis.exists(keys.leaseKey(t.partition)), 0)
      await t.redis.del(t.stream)
      const next = await t.acquire()
      await t.redis.del(keys.leaseKey(t.partition))
      await t.redis.hset(keys.leaseKey(t.partition), 'x', 'x')
      await assert.rejects(next.claim(1), wrongType)
      await assert.rejects(next.renew(), wrongType)
      await t.redis.del(keys.leaseKey(t.partition))
    })

    test('renew() keeps the lease beyond its length; without it the lease runs out', async () => {
      await using t = await shared.setup({ leaseMs: 300 })
      for (let n = 0; n < 4; n++) {
        await delay(100)
        assert.equal(await t.lease.renew(), true)
      }
      assert.equal(await t.tryAcquire(), undefined)
      await delay(350)
      assert.equal(await t.lease.renew(), false)
      assert.equal(await t.redis.exists(keys.leaseKey(t.partition)), 0)
    })

    test('a new holder rereads what the old one had claimed', async () => {
      await using t = await shared.setup()
      for (let n = 0; n < 3; n++) await t.appender.append(t.anEntry())
      const claimed = await t.lease.claim(2)
      await t.lease.release()
      const next = await t.acquire()
      assert.deepEqual(await next.reread('0', 10), claimed)
      assert.equal((await next.claim(10)).length, 1)
    })

    test('an old token can do nothing after a take-over, nor after the lease ran out', async () => {
      for (const takenOver of [true, false]) {
        await using t = await shared.setup()
        const entries = [t.anEntry(), t.anEntry(), t.anEntry()]
        for (const entry of entries) await t.appender.append(entry)
        const [first, second] = await t.lease.claim(2)
        assert.ok(first && second)
        const messageId = entries[0]?.messageId ?? ''
        await t.lease.handOff(first, { messageId, open: [{ subscriptionId: 'a', attemptsMade: 1, waits: true }] })
        await t.redis.del(keys.leaseKey(t.partition))
        const next = takenOver ? await t.acquire() : undefined
        const before = await snapshot(t)

        const lost = { code: 'LEASE_LOST' }
        await assert.rejects(t.lease.claim(10), lost)
        await assert.rejects(t.lease.reread('0', 10), lost)
        await assert.rejects(t.lease.settle([first.streamId]), lost)
        await assert.rejects(t.lease.quarantine(second, 'X'), lost)
        const open = [{ subscriptionId: 'a', attemptsMade: 1, waits: true }]
        await assert.rejects(t.lease.handOff(second, { messageId: 'other', open }), lost)
        await assert.rejects(t.lease.settleSubscription(messageId, 'a'), lost)
        await assert.rejects(t.lease.noteAttempts(messageId, 'a', 2), lost)
        const [reference] = await t.lease.readBacklog('a', '0', 1)
        assert.ok(reference)
        await assert.rejects(t.lease.leaveBacklog({ ...reference, subscriptionId: 'a', close: true }), lost)
        assert.equal(await t.lease.renew(), false)
        await t.lease.release()
        assert.deepEqual(await snapshot(t), before)
        if (next !== undefined) assert.equal((await next.claim(10)).length, 1)
      }
    })

    test('claim() comes before what is issued after it, and says when it does not', async () => {
      await using t = await shared.setup()
      let resent = 0
      const claimThenCount = async () => {
        await t.appender.append(t.anEntry())
        const claiming = t.lease.claim(1, () => resent++)
        const [[, pending]] = (await t.redis.pipeline().xpending(t.stream, 'delivery').exec()) as [[null, [number]]]
        assert.equal((await claiming).length, 1)
        return pending[0]
      }
      assert.deepEqual([await claimThenCount(), await claimThenCount(), resent], [1, 2, 0])
      await t.redis.script('FLUSH')
      assert.deepEqual([await claimThenCount(), resent], [2, 1])
      assert.deepEqual([await claimThenCount(), resent], [4, 1])
    })

    test('claim() and reread() refuse a limit out of range', async () => {
      await using t = await shared.setup()
      for (const limit of [0, 1001, 1.5, Number.NaN]) {
        await assert.rejects(t.lease.claim(limit), RangeError)
        await assert.rejects(t.lease.reread('0', limit), RangeError)
      }
    })

    test('the stream takes no memory for what is settled', async () => {
      await using t = await shared.setup()
      const round = async () => {
        await Promise.all(Array.from({ length: 500 }, () => t.appender.append(t.anEntry({ body: Buffer.alloc(1024) }))))
        await t.lease.settle((await t.lease.claim(1000)).map(({ streamId }) => streamId))
        return t.redis.memory('USAGE', t.stream, 'SAMPLES', 0)
      }
      const first = Number(await round())
      for (let n = 0; n < 3; n++) await round()
      assert.ok(Number(await round()) <= first + 1024)
      assert.ok(first < 64 * 1024)
    })
  })
}

suite('a partition lease when Redis fails', () => {
  test('a full Redis refuses appends and still lets a new holder drain', async () => {
    await using server = await startTestRedis()
    await using t = await setupOn(server, 0, {})
    const entries = [t.anEntry(), t.anEntry(), t.anEntry()]
    for (const entry of entries) await t.appender.append(entry)
    await t.lease.release()
    await server.cli('config', 'set', 'maxmemory-policy', 'noeviction', 'maxmemory', '1')
    await assert.rejects(t.appender.append(t.anEntry()), { code: 'REDIS_REFUSED' })
    const lease = await t.acquire()
    const [first, second, third] = await lease.claim(10)
    assert.ok(first && second && third)
    assert.equal((await lease.reread('0', 10)).length, 3)
    assert.equal(await lease.renew(), true)
    const messageId = entries[0]?.messageId ?? ''
    await lease.handOff(first, { messageId, open: [{ subscriptionId: 'a', attemptsMade: 1, waits: true }] })
    await lease.quarantine(second, 'X')
    await lease.settle([first.streamId, third.streamId])
    await lease.settleSubscription(messageId, 'a')
    assert.equal(await t.redis.xlen(t.stream), 0)
  })

  test('append() stores nothing when Redis is gone, and says when it may have', async () => {
    await using server = await startTestRedis({ appendonly: true })
    await using t = await setupOn(server, 0, {})
    server.pause()
    const unknown = t.appender.append(t.anEntry())
    server.kill()
    await assert.rejects(unknown, { code: 'REDIS_OUTCOME_UNKNOWN' })
    await assert.rejects(t.appender.append(t.anEntry()), { code: 'REDIS_UNAVAILABLE' })
    await server.start()
    await whenReady(t.redis)
    // The first was written to the socket of a server that never read it.
    assert.equal(await t.redis.xlen(t.stream), 0)
    await t.appender.append(t.anEntry())
  })

  test('waitForEntries() goes on after Redis was killed and came back', async () => {
    await using server = await startTestRedis({ appendonly: true })
    await using t = await setupOn(server, 0, {})
    const waiting = t.lease.waitForEntries({ signal: AbortSignal.timeout(10_000) })
    await delay(100)
    server.kill()
    await server.start()
    await whenReady(t.redis)
    await t.appender.append(t.anEntry())
    await waiting
    assert.equal(await t.redis.xlen(t.stream), 1)
  })

  test('a claim whose reply is lost is found again by rereading', async () => {
    await using server = await startTestRedis({ appendonly: true })
    await using t = await setupOn(server, 0, {})
    await t.appender.append(t.anEntry())
    const claiming = t.lease.claim(10)
    // Dropped by the client's own end, so that the server carries the command out.
    t.redis.stream.destroy()
    await assert.rejects(claiming, { code: 'REDIS_OUTCOME_UNKNOWN' })
    await whenReady(t.redis)
    const again = [...(await t.lease.reread('0', 10)), ...(await t.lease.claim(10))]
    assert.equal(again.length, 1)
  })
})

/** Everything of the partition that a lost holder could change, deliveries counted included. */
async function snapshot(t: LeaseStage): Promise<unknown> {
  const dumps: string[] = []
  for (const key of (await t.redis.keys(`sealcast:{p:${t.partition}}:*`)).toSorted()) {
    const type = await t.redis.type(key)
    if (type === 'hash') dumps.push(key, JSON.stringify(await t.redis.hgetall(key)))
    else if (type === 'set') dumps.push(key, JSON.stringify((await t.redis.smembers(key)).toSorted()))
    else if (type === 'string') dumps.push(key, String(await t.redis.get(key)))
    else dumps.push(key, JSON.stringify(await t.redis.xrange(key, '-', '+')))
  }
  return { dumps, pending: await t.redis.xpending(t.stream, 'delivery', '-', '+', 100).then(withoutIdleTimes) }
}

function withoutIdleTimes(pending: unknown[]): unknown[] {
  return pending.map((item) => (Array.isArray(item) ? [item[0], item[1], item[3]] : item))
}
