import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { alternate, isWarm, type Side } from './rounds.ts'

suite('alternate()', () => {
  test('warms both sides up, takes them in turn and compares medians', async () => {
    const order: string[] = []
    const compared = await alternate({
      baseline: side('B', [1, 100, 300, 200], order),
      subject: side('S', [1, 40, 60, 50], order),
      rounds: 3,
      unit: 'things',
      progress: () => {},
    })
    assert.deepEqual(order, ['B0', 'S0', 'B1', 'S1', 'B2', 'S2', 'B3', 'S3'])
    assert.equal(compared.ratio, 50 / 200)
    assert.deepEqual(
      compared.subject.rounds.map(({ perSecond }) => perSecond),
      [40, 60, 50],
    )
    assert.deepEqual(compared.problems, [])
  })

  test('warms up in turn until neither side gets better', async () => {
    const order: string[] = []
    const rising = [10, 20, 30, 31, 29, 7]
    const compared = await alternate({
      baseline: counting('B', [50, 51, 50, 49, 50, 100], order),
      subject: counting('S', rising, order),
      rounds: 1,
      warmUps: 8,
      unit: 'things',
      progress: () => {},
    })
    assert.deepEqual(order, ['B0', 'S0', 'B0', 'S0', 'B0', 'S0', 'B0', 'S0', 'B0', 'S0', 'B1', 'S1'])
    assert.equal(compared.ratio, 7 / 100)
    assert.match(compared.warmUp, /^Warmed up 5 times: the last 2/)
  })

  test('warms up no longer than it may', async () => {
    const order: string[] = []
    const ever = Array.from({ length: 5 }, (_, at) => 10 ** at)
    const { warmUp } = await alternate({
      baseline: counting('B', ever, order),
      subject: counting('S', ever, order),
      rounds: 1,
      warmUps: 2,
      unit: 'things',
      progress: () => {},
    })
    assert.deepEqual(order, ['B0', 'S0', 'B0', 'S0', 'B1', 'S1'])
    assert.match(warmUp, /^Warmed up 2 times, as often .* still/)
  })

  test("names the side and the round of every problem, the warm-up's excepted", async () => {
    const failing: Side = {
      name: 'S',
      run: async (round) => ({ perSecond: 1, usages: [], problems: round === 1 ? [] : ['refused'] }),
    }
    const { problems } = await alternate({
      baseline: side('B', [1, 1, 1], []),
      subject: failing,
      rounds: 2,
      unit: 'things',
      progress: () => {},
    })
    assert.deepEqual(problems, ['S, round 2: refused'])
  })
})

suite('isWarm()', () => {
  test('wants two warm-ups of each side that were no better than what came before', () => {
    for (const [rates, expected] of [
      [[[]], false],
      [[[10]], false],
      [[[10, 10]], false],
      [[[10, 10, 10]], true],
      [[[10, 10.5, 9]], true],
      [[[10, 10.6, 9]], false],
      [[[10, 9, 10.6]], false],
      [[[10, 20, 19, 18]], true],
      [[[10, 20, 5, 30]], false],
      [
        [
          [10, 10, 10],
          [10, 20, 30],
        ],
        false,
      ],
      [
        [
          [10, 10, 10],
          [10, 9, 9],
        ],
        true,
      ],
    ] as const) {
      assert.equal(isWarm(rates), expected, JSON.stringify(rates))
    }
  })
})

/** One rate after the other, whichever round it is. */
function counting(name: string, rates: readonly number[], order: string[]): Side {
  let at = 0
  return {
    name,
    async run(round) {
      order.push(`${name}${round}`)
      return { perSecond: rates[at++] ?? Number.NaN, usages: [], problems: [] }
    },
  }
}

function side(name: string, rates: readonly number[], order: string[]): Side {
  return {
    name,
    async run(round) {
      order.push(`${name}${round}`)
      return { perSecond: rates[round] ?? Number.NaN, usages: [], problems: [] }
    },
  }
}
