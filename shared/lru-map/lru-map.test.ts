import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createLruMap } from './lru-map.ts'

suite('createLruMap()', () => {
  test('drops the entry that was read or written longest ago', () => {
    const map = createLruMap<number>(2)
    map.set('a', 1)
    map.set('b', 2)
    map.get('a')
    map.set('c', 3)
    assert.deepEqual(
      [...map.entries()],
      [
        ['a', 1],
        ['c', 3],
      ],
    )
  })

  test('does not count a value written twice as two', () => {
    const map = createLruMap<number>(2)
    map.set('a', 1)
    map.set('b', 2)
    map.set('b', 3)
    assert.equal(map.get('a'), 1)
    assert.equal(map.get('b'), 3)
  })

  test('tells what had to make room, and nothing else', () => {
    const dropped: number[] = []
    const map = createLruMap<number>(2, (value) => dropped.push(value))
    for (const [key, value] of Object.entries({ a: 1, b: 2 })) map.set(key, value)
    map.set('b', 3)
    map.delete('a')
    map.set('c', 4)
    assert.deepEqual(dropped, [])
    map.set('d', 5)
    assert.deepEqual(dropped, [3])
  })

  test('forgets what was deleted, and lets entries be deleted while it is walked', () => {
    const map = createLruMap<number>(3)
    for (const key of ['a', 'b', 'c']) map.set(key, 1)
    for (const [key] of map.entries()) if (key !== 'b') map.delete(key)
    assert.deepEqual([...map.entries()], [['b', 1]])
    assert.equal(map.get('a'), undefined)
  })
})
