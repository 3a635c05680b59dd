import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createReleaseOrder } from './release-order.ts'

suite('createReleaseOrder()', () => {
  test('has messages line up behind one that is on its way to the backlog, until it is there or given up', () => {
    const { order } = setup()
    const [first, second] = [order.begin(), order.begin()]
    assert.equal(second.mustLineUp('s1'), false)
    first.linesUp('s1')
    first.linesUp('s1')
    assert.equal(second.mustLineUp('s1'), true)
    assert.equal(second.mustLineUp('s2'), false)
    second.linesUp('s1')
    first[Symbol.dispose]()
    assert.equal(order.begin().mustLineUp('s1'), true)
    second[Symbol.dispose]()
    assert.equal(order.begin().mustLineUp('s1'), false)
  })

  test('has messages line up where any wait already', () => {
    const { order, backlog } = setup()
    backlog.add('s1')
    assert.equal(order.begin().mustLineUp('s1'), true)
    backlog.clear()
    assert.equal(order.begin().mustLineUp('s1'), false)
  })
})

function setup() {
  const backlog = new Set<string>()
  return { order: createReleaseOrder({ has: (subscriptionId) => backlog.has(subscriptionId) }), backlog }
}
