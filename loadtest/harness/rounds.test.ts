import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { alternate, type Side } from './rounds.ts'

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

function side(name: string, rates: readonly number[], order: string[]): Side {
  return {
    name,
    async run(round) {
      order.push(`${name}${round}`)
      return { perSecond: rates[round] ?? Number.NaN, usages: [], problems: [] }
    },
  }
}
