import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { WaitingLine } from './waiting-line.ts'

suite('WaitingLine', () => {
  test('does what a list does, however it is used', () => {
    // So many came and went before, and so many wait: around the end of a ring that is about to grow.
    const before = fc.record({ gone: fc.nat(63), waiting: fc.integer({ min: 55, max: 64 }) })
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('add' as const, 'addFirst' as const), one: fc.nat(200) }),
      fc.record({ do: fc.constantFrom('delete' as const), one: fc.nat(200) }),
      fc.record({ do: fc.constantFrom('shift' as const, 'clear' as const), one: fc.constant(0) }),
    )
    fc.assert(
      fc.property(fc.option(before), fc.array(step, { maxLength: 200 }), (start, steps) => {
        const line = new WaitingLine<number>()
        let list: number[] = []
        for (let n = 0; n < (start?.gone ?? 0); n++) {
          line.add(n)
          line.delete(n)
        }
        for (let n = 0; n < (start?.waiting ?? 0); n++) {
          line.add(1_000 + n)
          list.push(1_000 + n)
        }
        for (const { do: what, one } of steps) {
          // Nobody waits twice.
          if (what === 'add' && !list.includes(one)) {
            line.add(one)
            list.push(one)
          } else if (what === 'addFirst' && !list.includes(one)) {
            line.addFirst(one)
            list.unshift(one)
          } else if (what === 'delete') {
            assert.equal(line.delete(one), list.includes(one))
            list = list.filter((other) => other !== one)
          } else if (what === 'shift' && line.first !== undefined) {
            assert.equal(line.delete(line.first), true)
            list.shift()
          } else if (what === 'clear') {
            line.clear()
            list = []
          }
          assert.deepEqual(line.toArray(), list)
          assert.equal(line.first, list[0])
          assert.equal(line.size, list.length)
        }
      }),
    )
  })

  test('keeps its order over thousands that come and go', () => {
    const line = new WaitingLine<number>()
    for (let n = 0; n < 5_000; n++) line.add(n)
    for (let n = 0; n < 4_000; n++) {
      assert.equal(line.first, n)
      assert.ok(line.delete(n))
      line.add(5_000 + n)
    }
    line.addFirst(-1)
    assert.deepEqual(line.toArray(), [-1, ...Array.from({ length: 5_000 }, (_, at) => 4_000 + at)])
  })

  test('leaves those that left to the collection of young objects, as a Set does not', () => {
    const set = new Set<object>()
    const bySet = grownOld({
      add: (one) => void set.add(one),
      shift() {
        for (const one of set) return void set.delete(one)
      },
    })
    const line = new WaitingLine<object>()
    const byLine = grownOld({
      add: (one) => line.add(one),
      shift: () => void (line.first !== undefined && line.delete(line.first)),
    })
    assert.ok(byLine < 0.2 * bySet, `${byLine} bytes, by a Set ${bySet}`)
  })
})

/** @returns bytes that became old while a hundred waited and thousands came and went */
function grownOld(line: { add(one: object): void; shift(): void }): number {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  if (typeof gc !== 'function') throw new Error('No collector')
  gc()
  const before = oldBytes()
  for (let round = 0; round < 30; round++) {
    for (let n = 0; n < 1_000; n++) {
      line.add({ n, more: new Array(30).fill(n) })
      if (round > 0 || n >= 100) line.shift()
    }
    gc({ type: 'minor' })
  }
  return oldBytes() - before
}

function oldBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'old_space')?.space_used_size ?? 0
}
