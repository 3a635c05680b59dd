import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { costOf, estimateRequests } from './index.ts'

const DAY = 86_400

suite('estimateRequests()', () => {
  test("is 17,856 for the first example of SNS's guide: 31 days, one publisher", () => {
    assert.equal(estimate({ days: 31, publishers: [1] }).requests, 17_856)
  })

  test('is 129,024 for the second: 28 days, three publishers of one topic and five of another', () => {
    const { topics, periods, requests } = estimate({ days: 28, publishers: [3, 5] })
    assert.equal(periods, 8_064)
    assert.deepEqual(
      topics.map((topic) => topic.requests),
      [8_064 * 6, 8_064 * 10],
    )
    assert.equal(requests, 129_024)
  })

  test('adds one request a publisher and period for each further gateway', () => {
    const of = (gateways: number) => estimate({ days: 28, publishers: [3, 5], gateways }).requests
    assert.deepEqual([of(1), of(2), of(4)], [129_024, (129_024 / 2) * 3, (129_024 / 2) * 5])
  })

  test('counts a begun period, and nothing for nobody', () => {
    const seconds = { seconds: 301, reuseSeconds: 300, gateways: 1 }
    assert.equal(estimateRequests({ ...seconds, topics: [{ name: 'a', publishers: 1 }] }).requests, 4)
    assert.equal(estimateRequests({ ...seconds, topics: [] }).requests, 0)
  })

  test('is the sum over topics, whatever is asked', () => {
    const topics = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 20 })
    const whole = fc.integer({ min: 1, max: 400 })
    fc.assert(
      fc.property(topics, whole, fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 50 }), (P, days, D, g) => {
        const { requests, topics } = estimate({ days, publishers: P, reuseSeconds: D, gateways: g })
        assert.ok(Number.isSafeInteger(requests))
        assert.equal(
          requests,
          topics.reduce((sum, topic) => sum + topic.requests, 0),
        )
        const formula = ((days * DAY) / D) * (g + 1) * P.reduce((sum, each) => sum + each, 0)
        assert.ok(requests >= formula - 1e-6 * formula)
        assert.ok(requests < formula + (g + 1) * P.reduce((sum, each) => sum + each, 0) + 1e-6)
      }),
    )
  })
})

suite('costOf()', () => {
  test('is nothing for the first example of the guide, and $0.327072 for the second', () => {
    assert.equal(costOf({ requests: 17_856, days: 31, region: 'us-east-1' })?.usd, 0)
    assert.deepEqual(costOf({ requests: 129_024, days: 28, region: 'us-east-1' }), {
      freeRequests: 20_000,
      billedRequests: 109_024,
      usdPer10000Requests: 0.03,
      usd: 0.327072,
    })
  })

  test('has free requests for each month', () => {
    const freeOf = (days: number) => costOf({ requests: 10_000_000, days, region: 'eu-west-1' })?.freeRequests
    assert.deepEqual([1, 28, 31, 61, 365].map(freeOf), [20_000, 20_000, 20_000, 40_000, 240_000])
  })

  test('is unknown where no price was looked up', () => {
    for (const region of ['mars-1', 'toString', '__proto__']) {
      assert.equal(costOf({ requests: 1, days: 1, region }), undefined)
    }
  })
})

function estimate(o: { days: number; publishers: readonly number[]; reuseSeconds?: number; gateways?: number }) {
  return estimateRequests({
    seconds: o.days * DAY,
    reuseSeconds: o.reuseSeconds ?? 300,
    gateways: o.gateways ?? 1,
    topics: o.publishers.map((publishers, at) => ({ name: `topic ${at + 1}`, publishers })),
  })
}
