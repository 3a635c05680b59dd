import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createBitSet } from '../harness/bit-set.ts'
import { account, findMiscounts } from './account.ts'

function bits(...numbers: number[]) {
  const set = createBitSet()
  for (const number of numbers) set.add(number)
  return set
}

/** Two topics in turn, two subscriptions of the first and one of the second; all is well. */
function setup(o: Partial<Parameters<typeof account>[0]> = {}) {
  return account({
    offered: 6,
    accepted: bits(0, 1, 2, 3, 4, 5),
    unknown: bits(),
    end: 6,
    topicOf: (number) => number % 2,
    published: 6,
    appended: 6,
    subscriptions: [
      { topic: 0, numbers: bits(0, 2, 4), deliveries: 3 },
      { topic: 0, numbers: bits(0, 2, 4), deliveries: 3 },
      { topic: 1, numbers: bits(1, 3, 5), deliveries: 3 },
    ],
    strange: 0,
    ...o,
  })
}

suite('account()', () => {
  test('owes each accepted message to each subscription of its topic', () => {
    const counted = setup()
    assert.deepEqual(
      { owed: counted.owed, deliveries: counted.deliveries, lost: counted.lost, duplicates: counted.duplicates },
      { owed: 9, deliveries: 9, lost: 0, duplicates: 0 },
    )
    assert.deepEqual(findMiscounts(counted), [])
  })

  test('finds the one message that did not come, though as many came', () => {
    const counted = setup({
      subscriptions: [
        { topic: 0, numbers: bits(0, 2), deliveries: 3 },
        { topic: 1, numbers: bits(1, 3, 5), deliveries: 3 },
      ],
    })
    assert.equal(counted.lost, 1)
    assert.equal(counted.duplicates, 1)
    assert.match(findMiscounts(counted).join(), /1 of 6 deliveries.*lost/)
  })

  test('counts duplicates, which are no loss', () => {
    const counted = setup({ subscriptions: [{ topic: 0, numbers: bits(0, 2, 4), deliveries: 5 }] })
    assert.equal(counted.duplicates, 2)
    assert.deepEqual(findMiscounts(counted), [])
  })

  test('allows for what nobody was told about, but for no message that was refused', () => {
    const some = { accepted: bits(0, 1, 2, 3), unknown: bits(4) }
    assert.deepEqual(findMiscounts(setup({ ...some, published: 5, appended: 5, subscriptions: [] })), [])
    assert.deepEqual(findMiscounts(setup({ ...some, published: 4, appended: 4, subscriptions: [] })), [])
    const counted = setup({ ...some, published: 5, appended: 5 })
    // 5 came and was refused; 4 came and nobody knows.
    assert.equal(counted.uninvited, 1)
    assert.match(findMiscounts(counted).join(), /1 deliveries were of messages/)
  })

  test('holds gateways and Redis to what publishers were told', () => {
    assert.match(findMiscounts(setup({ published: 5, appended: 5 })).join(), /told of 6 messages.*count 5/)
    assert.match(findMiscounts(setup({ published: 7, appended: 7 })).join(), /told of 6 messages.*count 7/)
    assert.match(findMiscounts(setup({ appended: 5 })).join(), /6 messages were published, but 5 entries/)
    assert.match(findMiscounts(setup({ published: undefined, appended: 5 })).join(), /told of 6 messages.*5 entries/)
    // Redis before 7 does not count.
    assert.deepEqual(findMiscounts(setup({ appended: Number.NaN })), [])
  })
})
