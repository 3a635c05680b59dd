import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseExposition } from './parse-exposition.ts'
import { quantileOf } from './quantile.ts'
import type { Scrape } from './scrape.ts'
import { type View, viewOf } from './view.ts'

const GATEWAY = 'http://127.0.0.1:9464/metrics'
const SECOND = 'http://127.0.0.1:9467/metrics'

suite('viewOf()', () => {
  test('adds up what several processes counted, and takes what each shows alike once', () => {
    const page = (published: number) =>
      `sealcast_messages_published_total{sealed="true"} ${published}
       sealcast_messages_published_total{sealed="false"} 5
       sealcast_kms_active_pairs 8
       sealcast_kms_predicted_requests 16
       sealcast_gateways_alive 2
       sealcast_data_key_reuse_seconds 4`
    const { publish, counted, totals, kms } = look(
      [scrape(GATEWAY, 0, page(100)), scrape(SECOND, 0, page(10))],
      [scrape(GATEWAY, 2_000, page(120)), scrape(SECOND, 2_000, page(40))],
    )
    assert.deepEqual([publish.perSecond, counted.published, totals.published], [25, 50, 170])
    assert.deepEqual([kms.predictedPerSecond, kms.textbookPerSecond], [6, 4])
  })

  test('takes a counter below what it was as one that began anew, and says which process it is', () => {
    const page = (started: number, count: number) =>
      `process_start_time_seconds ${started}\nsealcast_kms_requests_total ${count}`
    const { counted, processes } = look([scrape(GATEWAY, 0, page(1, 1_000))], [scrape(GATEWAY, 1_000, page(2, 7))])
    assert.equal(counted.kmsRequests, 7)
    assert.equal(processes[0]?.hasRestarted, true)
  })

  test('counts a new series from nothing, and nothing of a process that was not seen before', () => {
    const { counted } = look(
      [scrape(GATEWAY, 0, 'a 1'), { url: SECOND, at: 0, page: undefined, error: 'ECONNREFUSED' }],
      [
        scrape(GATEWAY, 1_000, 'sealcast_notifications_failed_total 3'),
        scrape(SECOND, 1_000, 'sealcast_notifications_failed_total 400'),
      ],
    )
    assert.equal(counted.failed, 3)
  })

  test('gives a process that was away its rate over the time it was away, and the others theirs', () => {
    const page = (count: number) => `sealcast_messages_published_total ${count}`
    const { publish, seconds } = look(
      [scrape(GATEWAY, 9_000, page(0)), scrape(SECOND, 0, page(0))],
      [scrape(GATEWAY, 10_000, page(5)), scrape(SECOND, 10_000, page(100))],
    )
    assert.deepEqual([publish.perSecond, seconds], [15, 1])
  })

  test('knows nothing of what nobody shows, and shows who does not answer', () => {
    const none = { url: GATEWAY, at: 0, page: undefined, error: 'ECONNREFUSED' }
    const { processes, publish, kms, backlog, redis } = look([none], [none])
    assert.deepEqual([processes[0]?.error, processes[0]?.cpu], ['ECONNREFUSED', undefined])
    assert.deepEqual(
      [publish.perSecond, kms.ratio, kms.predictedPerSecond, backlog.held],
      [undefined, undefined, undefined, undefined],
    )
    assert.deepEqual(redis, [])
  })

  test('bears as many series of a name as pages can hold', () => {
    const samples = Array(100_000).fill({ name: 'sealcast_kms_active_pairs', labels: new Map(), value: 8 })
    const pages = [GATEWAY, SECOND].map((url) => ({ url, at: 0, page: { samples, unread: 0 }, error: undefined }))
    assert.equal(look(pages, pages).kms.activePairs, 8)
  })

  test('shows a ratio once a whole period was watched, over that period', () => {
    const page = (calls: number) =>
      `sealcast_kms_requests_total ${calls}\nsealcast_kms_active_pairs 3\nsealcast_gateways_alive 1\nsealcast_data_key_reuse_seconds 5`
    let last: View | undefined
    const ratios: (number | undefined)[] = []
    for (let second = 0; second < 20; second++) {
      // All keys of a period at its begin, and none in between.
      const calls = (at: number) => 6 * (Math.floor(at / 5) + 1)
      last = look(
        [scrape(GATEWAY, second * 1_000, page(calls(second)))],
        [scrape(GATEWAY, (second + 1) * 1_000, page(calls(second + 1)))],
        last,
      )
      ratios.push(last.kms.ratio)
    }
    assert.deepEqual(ratios, [...Array(4).fill(undefined), ...Array(16).fill(1)])
    assert.equal(last?.kms.windowSeconds, 5)
  })
})

suite('quantileOf()', () => {
  test('lies within its bucket, as histogram_quantile has it', () => {
    const buckets = new Map([
      [1, 10],
      [2, 20],
      [Number.POSITIVE_INFINITY, 20],
    ])
    assert.deepEqual(quantileOf(buckets, 0.5), { value: 1, isAbove: false })
    assert.deepEqual(quantileOf(buckets, 0.75), { value: 1.5, isAbove: false })
    assert.deepEqual(quantileOf(new Map([...buckets, [Number.POSITIVE_INFINITY, 100]]), 0.5), {
      value: 2,
      isAbove: true,
    })
    assert.equal(
      quantileOf(
        new Map([
          [1, 0],
          [Number.POSITIVE_INFINITY, 0],
        ]),
        0.5,
      ),
      undefined,
    )
    assert.equal(quantileOf(new Map([[1, 4]]), 0.5), undefined)
  })

  test('is in the bucket of the observation of that rank, whatever was observed', () => {
    const bounds = [1, 2, 5, 10, Number.POSITIVE_INFINITY]
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 20, noNaN: true }), { minLength: 1 }),
        fc.constantFrom(0.5, 0.9, 0.99),
        (observed, q) => {
          const buckets = new Map(bounds.map((bound) => [bound, observed.filter((value) => value <= bound).length]))
          const exact = observed.toSorted((a, b) => a - b)[Math.ceil(q * observed.length) - 1] ?? 0
          const { value, isAbove } = quantileOf(buckets, q) ?? assert.fail('nothing')
          const bound = bounds.find((each) => exact <= each) ?? 0
          const below = bounds[bounds.indexOf(bound) - 1] ?? 0
          assert.equal(isAbove, bound === Number.POSITIVE_INFINITY)
          assert.ok(value >= below && value <= (isAbove ? below : bound))
        },
      ),
    )
  })
})

function look(before: readonly Scrape[], after: readonly Scrape[], last?: View): View {
  return viewOf({ before, after, at: Date.UTC(2026, 10, 30), last })
}

function scrape(url: string, at: number, text: string): Scrape {
  return { url, at, page: parseExposition(text.replaceAll(/^ +/gm, '')), error: undefined }
}
