import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { assignPartitions } from './assign-partitions.ts'
import { createPartitionShares } from './partition-shares.ts'

const SELF = '5'.repeat(32)
const OTHER = '9'.repeat(32)
const GRACE_MS = 5_000
const PARTITIONS = 8

suite('createPartitionShares()', () => {
  test('takes and misses nothing before it knows who is alive', () => {
    const { shares } = setup([])
    assert.deepEqual(shares.missing(new Set()), [])
    assert.deepEqual(shares.toTake(new Map(), 0), [])
  })

  test('takes its own as soon as they are free, and misses them until then', () => {
    const { shares, own } = setup([SELF, OTHER])
    assert.deepEqual(shares.missing(new Set()), own)
    assert.deepEqual(shares.missing(new Set(own)), [])
    const [first = -1, second = -1] = own
    assert.deepEqual(shares.toTake(new Map([[first, 100]]), 0), [])
    const due = shares.toTake(new Map(own.map((one) => [one, one === second ? 100 : undefined])), 20)
    assert.deepEqual(
      due.map(({ partition }) => partition),
      own.filter((one) => one !== second),
    )
  })

  test('tells a lease that ran out from one that was given back', () => {
    const { shares, own } = setup([SELF, OTHER])
    const [first = -1, second = -1] = own
    shares.toTake(new Map([[first, 3_000]]), 0)
    shares.toTake(new Map([[second, 3_000]]), 0)
    assert.deepEqual(shares.toTake(new Map([[first, undefined]]), 500), [{ partition: first, reason: 'assigned' }])
    assert.deepEqual(shares.toTake(new Map([[second, undefined]]), 3_000), [{ partition: second, reason: 'expired' }])
    // Once taken, what was seen before counts no more.
    shares.taken(second, 'expired', 3_000)
    assert.deepEqual(shares.toTake(new Map([[second, undefined]]), 9_000), [{ partition: second, reason: 'assigned' }])
  })

  test('releases what is assigned to another who is alive', () => {
    const { shares, own, theirs } = setup([SELF])
    const all = new Set([...own, ...theirs])
    assert.deepEqual(shares.toRelease(all, 0), [])
    shares.setMembers([SELF, OTHER])
    assert.equal(shares.toRelease(all, 0).length, PARTITIONS / 2)
  })

  test('takes what its assignee lets lie for as long as the grace, and not when it was held meanwhile', () => {
    const { shares, theirs } = setup([SELF, OTHER])
    const [first = -1, second = -1] = theirs
    const free = new Map([first, second].map((one) => [one, undefined]))
    assert.deepEqual(shares.toTake(free, 0), [])
    assert.deepEqual(shares.toTake(free, GRACE_MS - 1), [])
    shares.toTake(new Map([[second, 1_000]]), GRACE_MS - 1)
    assert.deepEqual(shares.toTake(free, GRACE_MS), [{ partition: first, reason: 'unclaimed' }])
  })

  test('keeps what it took so from the same assignee for ten minutes, but not from another', () => {
    const { shares, theirs } = setup([SELF, OTHER])
    for (const one of theirs) shares.taken(one, 'unclaimed', 0)
    const owned = new Set(theirs)
    assert.deepEqual(shares.toRelease(owned, 599_999), [])
    assert.deepEqual(shares.toRelease(owned, 600_000), theirs)
    const third = '7'.repeat(32)
    shares.setMembers([SELF, OTHER, third])
    const assigned = assignPartitions({ partitions: PARTITIONS, members: [SELF, OTHER, third] })
    assert.deepEqual(
      shares.toRelease(owned, 1),
      theirs.filter((one) => assigned[one] === third),
    )
  })

  test('has the patience of a new assignee begin anew', () => {
    const third = '7'.repeat(32)
    const { shares, theirs } = setup([SELF, OTHER])
    const free = new Map(theirs.map((one) => [one, undefined]))
    shares.toTake(free, 0)
    shares.setMembers([SELF, third])
    const due = shares.toTake(free, GRACE_MS)
    assert.ok(due.every(({ reason }) => reason === 'assigned'))
  })
})

function setup(members: readonly string[]) {
  const shares = createPartitionShares({ partitions: PARTITIONS, self: SELF, graceMs: GRACE_MS, random: () => 0 })
  shares.setMembers(members)
  const assigned = assignPartitions({ partitions: PARTITIONS, members: members.length === 0 ? [SELF] : members })
  const of = (wanted: boolean) =>
    assigned.flatMap((member, partition) => ((member === SELF) === wanted ? [partition] : []))
  return { shares, own: of(true), theirs: of(false) }
}
