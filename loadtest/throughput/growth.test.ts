import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { growthsOf, notJudged } from './growth.ts'
import type { Sample } from './watch-run.ts'

const MIB = 2 ** 20
const LIMITS = {
  fromSeconds: 60,
  untilSeconds: 3600,
  settleSeconds: 60,
  maxPerHour: 16 * MIB,
  isOfTheTest: (name: string) => name === 'generator',
}

/** Looks every ten seconds; memory in MiB as a function of seconds. */
function samples(process: (at: number) => { pid: number; mib: number }, redisMib: (at: number) => number): Sample[] {
  const none = { p50Ms: Number.NaN, p99Ms: Number.NaN, maxMs: Number.NaN }
  return Array.from({ length: 360 }, (_, index) => {
    const at = (index + 1) * 10
    const { pid, mib } = process(at)
    return {
      ...{ at, span: 10, due: 0, accepted: 0, failed: 0, deliveries: 0, waiting: 0, underWay: 0, machineCores: 0 },
      ...{ publish: none, late: none, endToEnd: none },
      redis: { appended: 0, backlog: 0, usedMemoryBytes: redisMib(at) * MIB },
      processes: [
        { name: 'worker', pid, cores: 0.1, residentBytes: mib * MIB },
        { name: 'generator', pid: 9, cores: 0.1, residentBytes: at * MIB },
      ],
    }
  })
}

suite('growthsOf()', () => {
  test('finds the one that grows, and leaves out how memory settles at first', () => {
    const seen = samples(
      (at) => ({ pid: 1, mib: 200 + (at < 60 ? at : 60) + (at % 70) / 10 }),
      (at) => 3 + at / 100,
    )
    const [worker, redis] = growthsOf(seen, LIMITS)
    assert.equal(worker?.name, 'worker')
    assert.equal(worker?.isGrowing, false)
    assert.equal(redis?.name, 'data in Redis')
    assert.equal(redis?.isGrowing, true)
    assert.ok(Math.abs((redis?.slope.perHour ?? 0) / MIB - 36) < 0.1)
  })

  test('looks at the present life of a process alone', () => {
    const seen = samples(
      // Replaced at half time, when it begins small, and settles for less than a minute.
      (at) => (at < 1800 ? { pid: 1, mib: 200 } : { pid: 2, mib: Math.min(100 + (at - 1800) * 2, 200) }),
      () => 3,
    )
    assert.deepEqual(
      growthsOf(seen, LIMITS).map(({ isGrowing }) => isGrowing),
      [false, false],
    )
  })

  test('says nothing of a few looks', () => {
    assert.deepEqual(
      growthsOf(
        samples(
          () => ({ pid: 1, mib: 1 }),
          (at) => at,
        ).slice(0, 12),
        LIMITS,
      ),
      [],
    )
  })
})

suite('notJudged()', () => {
  test('names what no slope says anything of, so that a soak does not pass for memory that nobody looked at', () => {
    // The worker is replaced so late that it is looked at a few times.
    const seen = samples(
      (at) => ({ pid: at < 3500 ? 1 : 2, mib: 200 }),
      () => 3,
    )
    assert.deepEqual(notJudged(seen, growthsOf(seen, LIMITS), LIMITS.isOfTheTest), ['worker'])
    assert.deepEqual(notJudged(seen.slice(0, 300), growthsOf(seen.slice(0, 300), LIMITS), LIMITS.isOfTheTest), [])
    assert.deepEqual(notJudged(seen.slice(0, 12), [], LIMITS.isOfTheTest), ['worker', 'data in Redis'])
  })
})
