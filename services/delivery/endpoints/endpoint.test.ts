import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { type AttemptCount, createEndpoint, type Permit, type Served } from './endpoint.ts'

suite('createEndpoint()', () => {
  test('gives 64 permits at once to an endpoint nothing is known of, and the next as one is given back', async () => {
    const { endpoint } = setup()
    const permits = takeAll(endpoint)
    assert.equal(permits.length, 64)
    const waiting = endpoint.enter(AbortSignal.timeout(5000))
    assert.equal(endpoint.waiting, 1)
    assert.equal(endpoint.tryEnter(), undefined)
    permits[0]?.leave('untried')
    assert.ok(await waiting)
    assert.equal(endpoint.waiting, 0)
  })

  test('serves those who wait in order, and nobody who came later before them', async () => {
    const { endpoint } = setup()
    const permits = takeAll(endpoint)
    const order: number[] = []
    const signal = AbortSignal.timeout(5000)
    const entering = [0, 1, 2].map((n) => endpoint.enter(signal).then(() => order.push(n)))
    permits[0]?.leave('untried')
    assert.equal(endpoint.tryEnter(), undefined)
    for (const permit of permits.slice(1, 3)) permit.leave('untried')
    await Promise.all(entering)
    assert.deepEqual(order, [0, 1, 2])
  })

  test('enter() gives up when its signal aborts, and its place goes to the next', async () => {
    const { endpoint } = setup()
    const permits = takeAll(endpoint)
    const impatient = new AbortController()
    const first = endpoint.enter(impatient.signal)
    const second = endpoint.enter(AbortSignal.timeout(5000))
    impatient.abort()
    assert.equal(await first, undefined)
    permits[0]?.leave('untried')
    assert.ok(await second)
    assert.equal(await endpoint.enter(impatient.signal), undefined)
  })

  test('grows by one with each success while half of the limit is in use, up to 256', () => {
    const { endpoint } = setup()
    endpoint.tryEnter()?.leave('served')
    assert.equal(giveBack(takeAll(endpoint), 'untried'), 64)
    for (let round = 0; round < 20; round++) giveBack(takeAll(endpoint), 'served')
    assert.equal(giveBack(takeAll(endpoint), 'untried'), 256)
  })

  test('halves the limit once for attempts that were under way together', () => {
    const { endpoint, clock } = setup()
    const permits = takeAll(endpoint)
    clock.advance(10)
    giveBack(permits.slice(0, 10), 'unanswered')
    giveBack(permits.slice(10), 'untried')
    assert.equal(giveBack(takeAll(endpoint), 'untried'), 32)
    const later = takeAll(endpoint)
    clock.advance(10)
    giveBack(later.slice(0, 5), 'refused')
    giveBack(later.slice(5), 'untried')
    assert.equal(giveBack(takeAll(endpoint), 'untried'), 16)
  })

  test('is unhealthy after 16 failures in a row, then served one at a time after a pause, and healthy with a success', () => {
    const { endpoint, clock } = setup()
    fail(endpoint, clock, 15, 'refused')
    assert.equal(endpoint.isUnhealthy, false)
    fail(endpoint, clock, 1, 'refused')
    assert.equal(endpoint.isUnhealthy, true)
    assert.equal(endpoint.tryEnter(), undefined)
    clock.advance(49)
    assert.equal(endpoint.tryEnter(), undefined)
    clock.advance(1)
    const probe = endpoint.tryEnter()
    assert.ok(probe)
    assert.equal(endpoint.tryEnter(), undefined)
    probe.leave('served')
    assert.equal(endpoint.isUnhealthy, false)
    assert.ok(endpoint.tryEnter())
  })

  test('a success in between starts the count of failures anew', () => {
    const { endpoint, clock } = setup()
    fail(endpoint, clock, 15, 'refused')
    endpoint.tryEnter()?.leave('served')
    fail(endpoint, clock, 15, 'unanswered')
    assert.equal(endpoint.isUnhealthy, false)
  })

  test('pauses longer for an endpoint that does not answer, up to a second of the policy', () => {
    const { endpoint, clock } = setup()
    fail(endpoint, clock, 16, 'unanswered')
    const pauses: number[] = []
    for (let probe = 0; probe < 6; probe++) {
      let waited = 0
      let permit = endpoint.tryEnter()
      while (permit === undefined) {
        clock.advance(50)
        waited += 50
        permit = endpoint.tryEnter()
      }
      pauses.push(waited)
      permit.leave('unanswered')
    }
    assert.deepEqual(pauses, [100, 200, 400, 800, 1000, 1000])
  })

  test('wakes those who wait when the pause is over, also when the clock was set back', async () => {
    const { endpoint, clock } = setup({ thousandthMs: 0.2 })
    fail(endpoint, clock, 16, 'refused')
    clock.advance(-3_600_000)
    assert.ok(await endpoint.enter(AbortSignal.timeout(5000)))
  })

  test('beyond the capacity of the process only endpoints with nothing under way are served', () => {
    const attempts: AttemptCount = { underWay: 0, capacity: 3 }
    const { endpoint } = setup({ attempts })
    const { endpoint: other } = setup({ attempts })
    assert.equal(takeAll(endpoint).length, 3)
    assert.equal(takeAll(other).length, 1)
  })

  test('is idle with failures only when the longest delay of a policy is over', () => {
    const { endpoint, clock } = setup()
    assert.equal(endpoint.isIdle, true)
    fail(endpoint, clock, 1, 'unanswered')
    assert.equal(endpoint.isIdle, false)
    clock.advance(3_660_000)
    assert.equal(endpoint.isIdle, true)
  })

  test('holdMs() spreads those who ask, at the pace of the endpoint', () => {
    const { endpoint, clock } = setup()
    fail(endpoint, clock, 16, 'refused')
    const holds = Array.from({ length: 4 }, () => endpoint.holdMs())
    assert.deepEqual(holds, [250, 300, 350, 400])
    clock.advance(10_000)
    assert.equal(endpoint.holdMs(), 250)
    for (let n = 0; n < 2_000; n++) assert.ok(endpoint.holdMs() <= 60_000)
    assert.equal(endpoint.holdMs(), 60_000)
  })
})

type Subject = ReturnType<typeof createEndpoint>

function setup({ attempts = { underWay: 0, capacity: 10_000 }, thousandthMs = 1 } = {}) {
  const clock = createFakeClock()
  return { clock, endpoint: createEndpoint({ attempts, clock, thousandthMs }) }
}

function takeAll(endpoint: Subject): Permit[] {
  const permits: Permit[] = []
  for (let permit = endpoint.tryEnter(); permit !== undefined; permit = endpoint.tryEnter()) permits.push(permit)
  return permits
}

function giveBack(permits: readonly Permit[], served: Served): number {
  for (const permit of permits) permit.leave(served)
  return permits.length
}

/** Failures one after another. */
function fail(endpoint: Subject, clock: ReturnType<typeof createFakeClock>, times: number, served: Served): void {
  for (let n = 0; n < times; n++) {
    const permit = endpoint.tryEnter()
    assert.ok(permit)
    clock.advance(1)
    permit.leave(served)
  }
}
