import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createFakeClock } from '#shared/clock'
import type { Log } from '#shared/log'
import { createMetrics } from '#shared/metrics'
import { RedisForeignDataError, RedisUnavailableError } from '#shared/redis'
import type { PartitionRetries } from '#shared/retry-schedule'
import type { PartitionLease } from '#shared/stream-log'
import { createDeliveryMetrics } from './metrics.ts'
import type { PartitionWork } from './own-partition.ts'
import { startPartitionPool } from './partition-pool.ts'

const LEASE_MS = 30
const SELF = '5'.repeat(32)
const OTHER = '9'.repeat(32)

suite('startPartitionPool()', () => {
  test('takes every partition that is free, and the others when they become so', async () => {
    await using stage = setup({ partitions: 3 })
    stage.heldElsewhere.add(1)
    await stage.start()
    assert.deepEqual(stage.running(), [0, 2])
    stage.heldElsewhere.delete(1)
    await stage.until(() => stage.running().length === 3)
  })

  test('renews each lease and releases it when told to stop', async () => {
    await using stage = setup({ partitions: 1 })
    await stage.start()
    await stage.until(() => stage.renewals() >= 3)
    await stage.stop()
    assert.deepEqual(stage.events, ['begin 0', 'leave', 'stop-retries 0', 'end 0', 'close-retries 0', 'release 0'])
  })

  test('drops a partition at once when renewing says that it is lost, and takes it again', async () => {
    await using stage = setup({ partitions: 1 })
    stage.renewWith(async () => false)
    await stage.start()
    await stage.until(() => stage.events.includes('release 0'))
    assert.deepEqual(stage.events.slice(0, 4), ['begin 0', 'abandon-retries 0', 'end 0', 'release 0'])
    stage.renewWith(async () => true)
    await stage.until(() => stage.running().length === 1)
  })

  test('drops a partition whose lease could not be renewed for as long as it lasts', async () => {
    await using stage = setup({ partitions: 1 })
    let failures = 0
    stage.renewWith(async () => {
      failures++
      throw new RedisUnavailableError('not connected')
    })
    await stage.start()
    await stage.until(() => failures >= 3)
    assert.deepEqual(stage.events, ['begin 0'])
    stage.clock.advance(LEASE_MS)
    await stage.until(() => stage.events.includes('abandon-retries 0'))
  })

  test('drops a partition whose loop meets a refused script', async () => {
    await using stage = setup({ partitions: 2 })
    await stage.start()
    stage.work(1)?.onLeaseLost()
    await stage.until(() => stage.events.includes('release 1'))
    assert.equal(stage.work(0)?.gone.aborted, false)
  })

  test('is ready although Redis is not, and takes the partitions later', async () => {
    await using stage = setup({ partitions: 1 })
    stage.failAcquire(new RedisUnavailableError('not connected'))
    await stage.start()
    assert.deepEqual(stage.running(), [])
    stage.failAcquire(undefined)
    await stage.until(() => stage.running().length === 1)
  })

  test('is ready although it cannot tell who is alive, and takes the partitions when it can', async () => {
    await using stage = setup({ partitions: 1 })
    stage.failBeat(new RedisUnavailableError('not connected'))
    await stage.start()
    assert.deepEqual(stage.running(), [])
    stage.failBeat(undefined)
    await stage.until(() => stage.running().length === 1)
  })

  test('keeps what it has when it can no longer tell who is alive', async () => {
    await using stage = setup({ partitions: 4 })
    await stage.start()
    stage.failBeat(new RedisUnavailableError('not connected'))
    await stage.until(() => stage.renewals() >= 12)
    assert.deepEqual(stage.running(), [0, 1, 2, 3])
  })

  test('releases what become another worker’s, drained, and takes it back when that one leaves', async () => {
    await using stage = setup({ partitions: 4 })
    await stage.start()
    stage.setMembers(OTHER, SELF)
    await stage.until(() => stage.running().length === 2)
    await stage.until(() => stage.events.filter((event) => event.startsWith('release')).length === 2)
    for (const partition of [0, 1, 2, 3].filter((one) => !stage.running().includes(one))) {
      const theirs = stage.events.filter((event) => event.endsWith(`${partition}`))
      assert.deepEqual(
        theirs.map((event) => event.split(' ')[0]),
        ['begin', 'stop-retries', 'end', 'close-retries', 'release'],
      )
    }
    stage.setMembers(SELF)
    await stage.until(() => stage.running().length === 4)
  })

  test('takes what its assignee lets lie for as long as a lease lasts, and keeps it', async () => {
    await using stage = setup({ partitions: 4 })
    stage.setMembers(OTHER, SELF)
    await stage.start()
    assert.equal(stage.running().length, 2)
    await stage.until(() => stage.looks() >= 2)
    stage.clock.advance(1_000)
    await stage.until(() => stage.running().length === 4)
    const begun = stage.events.length
    await stage.until(() => stage.renewals() >= 12)
    assert.equal(stage.events.length, begun)
  })

  test('raises an alarm, once, for a partition that somebody spoilt, and takes it when it is mended', async () => {
    await using stage = setup({ partitions: 1 })
    stage.failAcquire(new RedisForeignDataError('WRONGTYPE'))
    await stage.start()
    await stage.until(() => stage.acquisitions() >= 2)
    assert.deepEqual(stage.alarms, ['partition.failed'])
    stage.failAcquire(undefined)
    await stage.until(() => stage.running().length === 1)
    assert.deepEqual(stage.alarms, ['partition.failed'])
  })

  test('gives a partition up, and takes it again, when its loop finds the stream spoilt', async () => {
    await using stage = setup({ partitions: 1 })
    await stage.start()
    stage.failLoop(0, new RedisForeignDataError('NOGROUP'))
    await stage.until(() => stage.events.includes('release 0'))
    assert.deepEqual(stage.alarms, ['partition.failed'])
    await stage.until(() => stage.running().length === 1)
  })

  test('cuts off what does not end within the deadline, and releases all the same', async () => {
    await using stage = setup({ partitions: 1, loopIgnoresStop: true })
    await stage.start()
    await stage.stop(50)
    assert.deepEqual(stage.events, ['begin 0', 'leave', 'stop-retries 0', 'abandon-retries 0', 'end 0', 'release 0'])
  })
})

function setup({ partitions, loopIgnoresStop = false }: { partitions: number; loopIgnoresStop?: boolean }) {
  const clock = createFakeClock()
  const events: string[] = []
  const heldElsewhere = new Set<number>()
  const works = new Map<number, PartitionWork>()
  const loopFailures = new Map<number, (error: Error) => void>()
  const alarms: string[] = []
  let acquisitions = 0
  let renewals = 0
  let looks = 0
  let renew = async (): Promise<boolean> => true
  let acquireFailure: Error | undefined
  let beatFailure: Error | undefined
  let members: readonly string[] = [SELF]
  let pool: ReturnType<typeof startPartitionPool> | undefined

  const unused = () => assert.fail('the pool has no business with entries')
  const leaseOf = (partition: number): PartitionLease => ({
    partition,
    token: 'token',
    renew() {
      renewals++
      return renew()
    },
    async release() {
      events.push(`release ${partition}`)
    },
    claim: unused,
    reread: unused,
    waitForEntries: unused,
    settle: unused,
    quarantine: unused,
    handOff: unused,
    settleSubscription: unused,
    noteAttempts: unused,
    readBody: unused,
    listBacklogs: unused,
    readBacklog: unused,
    leaveBacklog: unused,
    hold: unused,
    holdReference: unused,
    resumeReference: unused,
    listHeldKeys: unused,
    readHeld: unused,
    leaveHeld: unused,
    quarantineHeld: unused,
  })
  const retriesOf = (partition: number): PartitionRetries => ({
    schedule: unused,
    hasten: unused,
    stop: async () => void events.push(`stop-retries ${partition}`),
    close: async () => void events.push(`close-retries ${partition}`),
    abandon: async () => void events.push(`abandon-retries ${partition}`),
  })
  const log: Log = {
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
    alarm: (event) => void alarms.push(event),
    flush: () => undefined,
  }
  const aborted = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  const stop = async (deadlineMs = 5_000) => pool?.stop(deadlineMs)
  return {
    clock,
    events,
    alarms,
    acquisitions: () => acquisitions,
    failLoop: (partition: number, error: Error) => loopFailures.get(partition)?.(error),
    heldElsewhere,
    running: () => [...works.keys()].toSorted(),
    work: (partition: number) => works.get(partition),
    renewals: () => renewals,
    looks: () => looks,
    renewWith(next: () => Promise<boolean>) {
      renew = next
    },
    failAcquire(error: Error | undefined) {
      acquireFailure = error
    },
    setMembers(...ids: readonly string[]) {
      members = ids
    },
    failBeat(error: Error | undefined) {
      beatFailure = error
    },
    async start() {
      pool = startPartitionPool({
        partitions,
        leaseMs: LEASE_MS,
        membership: {
          id: SELF,
          async beat() {
            if (beatFailure !== undefined) throw beatFailure
            return members
          },
          leave: async () => void events.push('leave'),
        },
        async leaseLives(some) {
          looks++
          return new Map(some.map((p) => [p, heldElsewhere.has(p) ? LEASE_MS : undefined]))
        },
        random: () => 0,
        async acquire(partition) {
          acquisitions++
          if (acquireFailure !== undefined) throw acquireFailure
          return heldElsewhere.has(partition) ? undefined : leaseOf(partition)
        },
        async runLoop(work) {
          const { partition } = work.lease
          works.set(partition, work)
          events.push(`begin ${partition}`)
          const failure = new Promise<void>((_, reject) => loopFailures.set(partition, reject))
          await (loopIgnoresStop
            ? aborted(work.gone)
            : Promise.race([aborted(work.stopping), aborted(work.gone), failure]).finally(() =>
                works.delete(partition),
              ))
          works.delete(partition)
          events.push(`end ${partition}`)
        },
        openRetries: ({ lease }) => retriesOf(lease.partition),
        clock,
        log,
        metrics: createDeliveryMetrics(createMetrics({ service: 'test' }), clock),
      })
      await pool.ready
    },
    stop,
    async until(condition: () => boolean) {
      const deadline = Date.now() + 10_000
      while (!condition()) {
        assert.ok(Date.now() < deadline, 'the condition did not come true in time')
        await delay(2)
      }
    },
    [Symbol.asyncDispose]: () => stop().then(() => undefined),
  }
}
