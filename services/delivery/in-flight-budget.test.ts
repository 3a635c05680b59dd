import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createBudget } from './in-flight-budget.ts'

const never = new AbortController().signal

suite('createBudget()', () => {
  test('gives what is free, up to what is wanted', async () => {
    const budget = createBudget({ capacity: 5 })
    assert.equal(await budget.reserve(3, never), 3)
    assert.equal(await budget.reserve(3, never), 2)
  })

  test('makes the next one wait until a place is given back, in order of asking', async () => {
    const budget = createBudget({ capacity: 2 })
    await budget.reserve(2, never)
    const order: string[] = []
    const first = budget.reserve(2, never).then((places) => order.push(`first ${places}`))
    const second = budget.reserve(1, never).then((places) => order.push(`second ${places}`))
    await Promise.resolve()
    assert.deepEqual(order, [])
    budget.release(1)
    await first
    budget.release(1)
    await second
    assert.deepEqual(order, ['first 1', 'second 1'])
  })

  test('does not let a late one pass those who wait', async () => {
    const budget = createBudget({ capacity: 1 })
    await budget.reserve(1, never)
    const order: string[] = []
    const waiting = budget.reserve(1, never).then(() => order.push('waiting'))
    budget.release(1)
    const late = budget.reserve(1, never).then(() => order.push('late'))
    await waiting
    budget.release(1)
    await late
    assert.deepEqual(order, ['waiting', 'late'])
  })

  test('gives nothing to one whose signal aborts, and loses no place by it', async () => {
    const budget = createBudget({ capacity: 1 })
    await budget.reserve(1, never)
    const leaving = new AbortController()
    const left = budget.reserve(1, leaving.signal)
    leaving.abort()
    assert.equal(await left, 0)
    assert.equal(await budget.reserve(1, AbortSignal.abort()), 0)
    budget.release(1)
    assert.equal(await budget.reserve(1, never), 1)
  })

  test('takes places of a parent too, and gives both back', async () => {
    const parent = createBudget({ capacity: 3 })
    const one = createBudget({ capacity: 2, parent })
    const other = createBudget({ capacity: 2, parent })
    assert.equal(await one.reserve(9, never), 2)
    assert.equal(await other.reserve(9, never), 1)
    one.release(2)
    assert.equal(await other.reserve(9, never), 1)
    assert.equal(await one.reserve(9, never), 1)
  })

  test('collects what is given back one by one, and gives it out together', async () => {
    const budget = createBudget({ capacity: 64 })
    await budget.reserve(64, never)
    const given: number[] = []
    const waiting = budget.reserve(64, never).then((places) => given.push(places))
    for (let place = 0; place < 31; place++) budget.release(1)
    await Promise.resolve()
    assert.deepEqual(given, [])
    budget.release(1)
    await waiting
    assert.deepEqual(given, [32])
  })

  test('gives few places after a moment, however many are wanted', async () => {
    const budget = createBudget({ capacity: 64 })
    await budget.reserve(63, never)
    assert.equal(await budget.reserve(64, never), 1)
  })

  test('lets nobody wait for a lot who wants no more than what is free', async () => {
    const budget = createBudget({ capacity: 64 })
    await budget.reserve(62, never)
    const first = await Promise.race([budget.reserve(1, never), new Promise((resolve) => setImmediate(resolve))])
    assert.equal(first, 1)
  })

  test('keeps its own places when waiting for the parent is given up', async () => {
    const parent = createBudget({ capacity: 1 })
    await parent.reserve(1, never)
    const child = createBudget({ capacity: 1, parent })
    const leaving = new AbortController()
    const left = child.reserve(1, leaving.signal)
    leaving.abort()
    assert.equal(await left, 0)
    parent.release(1)
    assert.equal(await child.reserve(1, never), 1)
  })
})
