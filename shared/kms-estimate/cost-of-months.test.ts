import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { costOfMonths, listPriceOf } from './index.ts'

suite('costOfMonths()', () => {
  test("is the cost of the second example of SNS's guide", () => {
    assert.deepEqual(costOfMonths([{ requests: { 'us-east-1': 129_024 }, before: 0 }]), {
      usdAtListPrice: 0.387072,
      freeRequests: 20_000,
      usd: 0.327072,
      unpricedRequests: 0,
    })
  })

  test('gives each month its own free requests, less what had come before', () => {
    const month = { 'us-east-1': 15_000, 'eu-west-1': 15_000 }
    const { freeRequests, usd } = costOfMonths([
      { requests: month, before: 0 },
      { requests: month, before: 19_000 },
      { requests: month, before: 50_000 },
    ])
    assert.deepEqual([freeRequests, usd], [21_000, 0.207])
  })

  test('leaves out what nobody has looked up, and says how much', () => {
    const { usd, unpricedRequests } = costOfMonths([{ requests: { 'mars-1': 7, toString: 1 }, before: 30_000 }])
    assert.deepEqual([usd, unpricedRequests], [0, 8])
    assert.equal(listPriceOf({ region: 'mars-1', requests: 1 }), undefined)
    assert.equal(listPriceOf({ region: 'us-east-1', requests: 10_000 }), 0.03)
    assert.deepEqual(costOfMonths([]), { usdAtListPrice: 0, freeRequests: 0, usd: 0, unpricedRequests: 0 })
  })
})
