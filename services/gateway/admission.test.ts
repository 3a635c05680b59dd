import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { createAdmission } from './admission.ts'

suite('createAdmission()', () => {
  test('admits up to the bound, and one more for each that leaves', () => {
    const { admission, inFlight } = setup({ maxInFlight: 4 })
    const stays = Array.from({ length: 4 }, () => admission.enter({ isLink: false }))
    assert.ok(stays.every((stay) => typeof stay === 'function'))
    assert.equal(admission.enter({ isLink: false }), 'in-flight')
    const [leave] = stays
    if (typeof leave === 'function') {
      leave()
      leave()
    }
    assert.equal(inFlight(), 3)
    assert.equal(typeof admission.enter({ isLink: false }), 'function')
    assert.equal(admission.enter({ isLink: false }), 'in-flight')
  })

  test('keeps room for links beyond what publishes may fill, but not without end', () => {
    const { admission } = setup({ maxInFlight: 4 })
    for (let n = 0; n < 4; n++) admission.enter({ isLink: false })
    assert.equal(admission.enter({ isLink: false }), 'in-flight')
    assert.equal(typeof admission.enter({ isLink: true }), 'function')
    assert.equal(admission.enter({ isLink: true }), 'in-flight')
  })

  test('refuses what may have lain there for more than a second', () => {
    const { admission, clock, turn } = setup({ maxInFlight: 4 })
    clock.advance(1000)
    assert.equal(typeof admission.enter({ isLink: false }), 'function')
    clock.advance(1)
    assert.equal(admission.enter({ isLink: false }), 'waited')
    turn()
    assert.equal(typeof admission.enter({ isLink: false }), 'function')
  })

  test('sends the first refusal at once, the rest at a bounded rate and none later than five seconds', () => {
    const { admission, clock, pauses, refused } = setup({ maxInFlight: 1 })
    for (let n = 0; n < 19_000; n++) void admission.refuse('in-flight')
    assert.equal(pauses[0], 0)
    assert.equal(Math.round(pauses[3_000] ?? 0), 1000)
    assert.equal(Math.max(...pauses), 5000)
    clock.advance(10_000)
    void admission.refuse('waited')
    assert.equal(pauses.at(-1), 0)
    assert.deepEqual([refused.length, refused[0], refused.at(-1)], [19_001, 'in-flight', 'waited'])
  })

  test('refuses at a third of the rate at which it answers, whatever the machine can do', () => {
    const { admission, clock, pauses, turn } = setup({ maxInFlight: 2 })
    // Never idle, as in overload.
    admission.enter({ isLink: false })
    for (const [answersPerSecond, refusalsPerSecond] of [
      [9_000, 3_000],
      [1_500, 500],
      [30, 100],
      [30_000, 3_000],
    ] as const) {
      for (let n = 0; n < answersPerSecond; n++) {
        const leave = admission.enter({ isLink: false })
        clock.advance(1000 / answersPerSecond)
        turn()
        if (typeof leave === 'function') leave()
      }
      clock.advance(60_000)
      pauses.length = 0
      for (let n = 0; n <= 100; n++) void admission.refuse('in-flight')
      const measured = 100_000 / (pauses[100] ?? 0)
      assert.ok(Math.abs(measured / refusalsPerSecond - 1) < 0.1, `${measured} at ${answersPerSecond}`)
      turn()
    }
  })

  test('does not take a pause of publishers for a slow machine', () => {
    const { admission, clock, pauses, turn } = setup({ maxInFlight: 1 })
    for (let n = 0; n < 10; n++) {
      clock.advance(10_000)
      turn()
      const leave = admission.enter({ isLink: false })
      if (typeof leave === 'function') leave()
    }
    for (let n = 0; n <= 100; n++) void admission.refuse('in-flight')
    assert.equal(Math.round(pauses[100] ?? 0), 33)
  })

  test('closes connections rather than hold more refusals back than it can keep', async () => {
    const { admission, endPauses } = setup({ maxInFlight: 1 })
    const held = Array.from({ length: 20_000 }, () => admission.refuse('in-flight'))
    assert.deepEqual(await admission.refuse('in-flight'), { close: true })
    endPauses()
    assert.ok((await Promise.all(held)).every(({ close }) => !close))
    const next = admission.refuse('in-flight')
    endPauses()
    assert.deepEqual(await next, { close: false })
  })
})

function setup({ maxInFlight }: { maxInFlight: number }) {
  const clock = createFakeClock(1_000_000)
  let lastTurnAt = clock.now()
  let inFlight = 0
  const pauses: number[] = []
  let waiting: (() => void)[] = []
  const refused: string[] = []
  const admission = createAdmission({
    maxInFlight,
    clock,
    lastTurnAt: () => lastTurnAt,
    pause: (ms) => {
      pauses.push(ms)
      return new Promise<void>((resolve) => waiting.push(resolve))
    },
    onInFlight: (count) => {
      inFlight = count
    },
    onRefused: (reason) => refused.push(reason),
  })
  return {
    admission,
    clock,
    pauses,
    refused,
    inFlight: () => inFlight,
    turn: () => {
      lastTurnAt = clock.now()
    },
    endPauses: () => {
      for (const resolve of waiting) resolve()
      waiting = []
    },
  }
}
