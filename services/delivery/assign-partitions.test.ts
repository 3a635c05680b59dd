import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { assignPartitions } from './assign-partitions.ts'

const anId = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => value.toString(16).padStart(32, '0'))
const someMembers = fc.uniqueArray(anId, { minLength: 1, maxLength: 40 })
const someNumber = fc.integer({ min: 1, max: 300 })

suite('assignPartitions()', () => {
  test('gives every partition to a member, in shares that differ by at most one', () => {
    fc.assert(
      fc.property(someNumber, someMembers, (partitions, members) => {
        const assigned = assignPartitions({ partitions, members })
        const shares = sharesOf(assigned, members)
        assert.equal(
          shares.reduce((sum, share) => sum + share, 0),
          partitions,
        )
        assert.ok(Math.max(...shares) - Math.min(...shares) <= 1, shares.join(' '))
      }),
    )
  })

  test('gives the same whatever order the members come in', () => {
    fc.assert(
      fc.property(someNumber, someMembers, (partitions, members) => {
        const assigned = assignPartitions({ partitions, members })
        assert.deepEqual(assignPartitions({ partitions, members: members.toReversed() }), assigned)
      }),
    )
  })

  test('gives nobody anything when there is nobody', () => {
    assert.deepEqual(assignPartitions({ partitions: 16, members: [] }), [])
  })

  test('answers in time with as many partitions and members as there may be', () => {
    const startedAt = performance.now()
    const assigned = assignPartitions({ partitions: 1024, members: membersOf('many', 1001) })
    assert.equal(new Set(assigned).size, 1001)
    // 0.12 s here.
    assert.ok(performance.now() - startedAt < 5_000)
  })

  test('moves little more than the share of whoever joins or leaves', (t) => {
    for (const { partitions, workers, atMost } of [
      { partitions: 16, workers: 1, atMost: 1.01 },
      { partitions: 16, workers: 2, atMost: 1.3 },
      { partitions: 16, workers: 4, atMost: 1.5 },
      { partitions: 64, workers: 2, atMost: 1.2 },
      { partitions: 64, workers: 4, atMost: 1.4 },
      { partitions: 64, workers: 8, atMost: 1.7 },
    ]) {
      const runs = 200
      let moves = 0
      for (let run = 0; run < runs; run++) {
        const members = membersOf(`${run}`, workers + 1)
        const before = assignPartitions({ partitions, members: members.slice(1) })
        const after = assignPartitions({ partitions, members })
        moves += after.filter((member, partition) => member !== before[partition]).length
      }
      const mean = moves / runs
      const least = partitions / (workers + 1)
      t.diagnostic(
        `${partitions} partitions, ${workers} ⇄ ${workers + 1}: ${mean.toFixed(1)} moves, at least ${least.toFixed(1)}`,
      )
      assert.ok(mean <= least * atMost, `${mean} moves of ${partitions} between ${workers} and ${workers + 1} workers`)
    }
  })
})

function sharesOf(assigned: readonly string[], members: readonly string[]): number[] {
  return members.map((member) => assigned.filter((one) => one === member).length)
}

/** Ids that look random and are the same in every run. */
function membersOf(seed: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => createHash('sha256').update(`${seed}/${n}`).digest('hex').slice(0, 32))
}
